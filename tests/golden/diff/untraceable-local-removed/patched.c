/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static notrace noinline int helper(int x)
{
	return outside(x);
}

int first(int x)
{
	return helper(x) + 1;
}
