/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* The same bytes: only what the relocations name is another thing. */
static int first, second;
static int ops[2];

noinline int add(int x)
{
	first += x;
	return outside(x);
}

noinline int drop(int x)
{
	second -= x;
	return outside(-x);
}

int call(int x)
{
	return drop(x) + 1;
}

int load(void)
{
	return outside(second);
}

int (*pass(void))(int)
{
	ops[0]++;
	return drop;
}

int all(int x)
{
	return call(x) + drop(x) + second;
}
