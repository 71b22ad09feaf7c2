/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Several variables of one name in one function, alike in all but the line of their declaration. */
int one(int x)
{
	{
		static int n = 10;

		n += x;
		outside(n);
	}
	return outside(x);
}

int two(int x)
{
	if (x > 100) {
		static int n = 10;

		return outside(n++);
	}
	{
		static int n = 10;

		n += x;
		return n;
	}
}
