/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Moved and begun with another value, or another variable. */
noinline int tick(int x)
{
	static int count = 1;

	return outside(x) + count++;
}

int first(int x)
{
	return tick(x) + 1;
}
