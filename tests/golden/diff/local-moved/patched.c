/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static noinline int tick(int x)
{
	static int count = 5;

	return outside(x) + count++;
}

/* A new function between the old one and its variable, and a variable of the same name. */
static noinline int before(int x)
{
	static int other;

	return tick(x) + other++;
}

int first(int x)
{
	return before(x) + 2;
}
