/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* A new variable is declared in the line of the one that was there, which moved on. */
int one(int x)
{
	if (x > 5) {
		static int n = 10;

		return outside(n--);
	}
	if (x > 2) {
		static int n = 10;

		n += x;
		outside(n);
	}
	return outside(x);
}
