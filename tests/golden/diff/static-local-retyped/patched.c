/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Alone, it is the same variable; beside another one, nobody knows. */
int alone(int x)
{
	static long size;

	size += x;
	return outside((int)size);
}

int beside(int x)
{
	{
		static unsigned n = 3;

		n += x;
		outside((int)n);
	}
	if (x > 3) {
		static int n = 3;

		return outside(n--) * 2;
	}
	return outside(x);
}
