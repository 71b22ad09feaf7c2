/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static noinline int helper(int x)
{
	return outside(x) + 1;
}

int first(int x)
{
	return helper(x);
}
