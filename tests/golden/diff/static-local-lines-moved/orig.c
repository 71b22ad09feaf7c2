/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* A new variable is declared in the line of the one that was there, which moved on. */
int one(int x)
{
	{
		static int n = 10;

		n += x;
		outside(n);
	}
	return outside(x);
}
