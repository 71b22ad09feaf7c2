/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static noinline int limit(int x)
{
	return x > 100 ? outside(100) : x;
}

int helper(int x)
{
	return limit(x) + 2;
}

int first(int x)
{
	return outside(limit(x));
}
