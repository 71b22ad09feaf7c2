/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	static int count = 1;

	if (x <= 3)
		return count++ + x;
	if (x > 4) {
		static int count = 1;

		return outside(count++) + 2;
	}
	return 0;
}
