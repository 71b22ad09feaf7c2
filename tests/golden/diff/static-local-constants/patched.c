/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Of two equal constants either will do. */
int first(int x, int y)
{
	if (x > 3) {
		static const int table[] = { 7, 1, 5 };

		return outside(table[y]) + 2;
	}
	static const int table[] = { 7, 1, 5 };

	return table[x] * 3;
}
