/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* One variable went, and two of its name came: which of them has its state? */
noinline int tick(int x)
{
	static int count = 1;

	return outside(x) + count++;
}

int first(int x)
{
	return tick(x) + 1;
}

int second(int x)
{
	return tick(x) + 2;
}
