/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static int level = 5;
static int depth = 5;

int up(int x)
{
	return level += x;
}

int down(int x)
{
	return depth -= outside(x + 1);
}
