/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int limit = 10;
static int flags[4];

int first(int x)
{
	return x > limit ? flags[x % 4] : 0;
}

void set(int i, int x)
{
	flags[i % 4] = x;
}
