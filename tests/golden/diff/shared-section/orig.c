/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static noinline int __sched twice(int x)
{
	return outside(x) * 2;
}

int __sched first(int x)
{
	return twice(x) + 1;
}

int __sched second(int x)
{
	return first(twice(x)) + 2;
}

int __sched third(int x)
{
	return second(x) + twice(x + 1);
}
