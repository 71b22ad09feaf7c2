/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Which of two variables is the one that was there? */
int first(int x)
{
	{
		static int n;

		n += x;
		outside(n);
	}
	return outside(x);
}
