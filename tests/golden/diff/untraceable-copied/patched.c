/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* As the kernel's "inline" makes it: not traced, even where it is a function of its own. */
static notrace noinline int helper(int x)
{
	return outside(x + 11);
}

static notrace noinline int deeper(int x)
{
	return helper(x) * 2;
}

int first(int x)
{
	return helper(x) + 1;
}

int second(int x)
{
	return deeper(x) + 2;
}

int third(int x)
{
	return outside(x);
}
