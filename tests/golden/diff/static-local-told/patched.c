/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* One more variable of a name that others have: their users tell them apart. */
int newcomer(int x)
{
	static int count = 1;

	count += x;
	return outside(count);
}

int first(int x)
{
	static int count = 1;

	count += x;
	return outside(count) + 1;
}

int second(int x)
{
	static int count = 1;

	count -= x;
	return outside(count) + 2;
}
