/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Functions without a place for ftrace of which a copy would not do, as others may reach the old one. */
#define helper notrace noinline __used

helper int was_global(int x)
{
	return outside(x) + 1;
}

static helper int address_new(int x)
{
	return outside(x) + 1 * 2;
}

static helper int address_gone(int x)
{
	return outside(x) + 1 * 3;
}

static helper int calls_itself(int x)
{
	return outside(x > 0 ? calls_itself(x - 1) : 1);
}

int (*pointer)(int);

int user(int x)
{
	pointer = address_gone;
	return was_global(x) + address_new(x) + address_gone(x);
}
