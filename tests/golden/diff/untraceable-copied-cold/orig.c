/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* A function without a place for ftrace goes along as a copy, its cold part with it. */
void __attribute__((cold)) report(int x);

static notrace noinline int helper(int x)
{
	if (unlikely(x < 0)) {
		report(x);
		return 1;
	}
	return outside(x) + 1;
}

int first(int x)
{
	return helper(x) + 3;
}
