/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Several variables of one name in one function, alike in all but the line of their declaration. */
int one(int x)
{
	if (x > 5) {
		static int n = 10;

		n -= x;
		return outside(n);
	}
#line 7
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
	if (x > 50) {
		static int n = 10;

		return outside(n--);
	}
#line 23
	{
		static int n = 10;

		n += x;
		return n;
	}
}
