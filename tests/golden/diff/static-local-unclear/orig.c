/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	if (x > 3) {
		static int count = 1;

		return outside(count++);
	}
	static int count = 1;

	return count++ + x;
}
