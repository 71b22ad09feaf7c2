/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static const int table[] = { 1, 2, 3, 6, 5 };

int first(int x)
{
	return table[x % 5];
}
