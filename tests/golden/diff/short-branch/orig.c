/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Functions of one section: the assembler makes a jump of two bytes, which cannot leave the section. */
static __sched noinline int helper(int x)
{
	return outside(x) * 2;
}

int __sched first(int x)
{
	return helper(x + 1);
}
