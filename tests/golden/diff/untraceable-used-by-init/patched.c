/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* No copy helps: code that ran at start used the old one. */
static notrace noinline int helper(int x)
{
	return outside(x) + 2;
}

int first(int x)
{
	return helper(x) + 3;
}

int __init setup(int x)
{
	return helper(x) + 4;
}
