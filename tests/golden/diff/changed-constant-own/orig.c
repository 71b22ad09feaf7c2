/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static const int mine[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const int shared[] = { 11, 12, 13, 4, 5, 6, 7, 8 };

int first(int x)
{
	return mine[x & 7] + shared[x & 3] + 100;
}

int second(int x)
{
	return shared[x & 7];
}
