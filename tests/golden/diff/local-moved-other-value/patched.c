/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Moved and begun with another value, or another variable. */
noinline int tick(int x)
{
	return outside(x);
}

int first(int x)
{
	static int count = 2;

	return tick(x) + 1 + count++;
}
