/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Alone, it is the same variable; beside another one, nobody knows. */
int alone(int x)
{
	static int size;

	size += x;
	return outside((int)size);
}

int beside(int x)
{
	{
		static int n = 3;

		n += x;
		outside((int)n);
	}

	return outside(x);
}
