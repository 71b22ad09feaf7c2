/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	static int calls = 7;

	calls++;
	return calls + outside(x);
}
