/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static noinline int scaled(int x, int by, int unused)
{
	if (x > 1000)
		return outside(x * by);
	return x * by + outside_variable;
}

int first(int x)
{
	return scaled(x, 4, 1) + 1;
}

int second(int x)
{
	return scaled(x + 1, 4, 2) + 2;
}
