/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* One variable went, and two of its name came: which of them has its state? */
noinline int tick(int x)
{
	return outside(x);
}

int first(int x)
{
	static int count = 1;

	return tick(x) + 1 + count++;
}

int second(int x)
{
	static int count = 1;

	return tick(x) + 2 + count++;
}
