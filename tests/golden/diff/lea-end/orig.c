/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* The address of the end of `values` is that of `last`: LEA does not say which is meant. Variables
 * are laid out from the last to the first. */
static int __read_mostly last = 5;
static int __read_mostly values[4] = { 1, 2, 3, 4 };

int first(int n)
{
	int *end;

	asm("leaq %c1+16(%%rip), %0" : "=r"(end) : "i"(values));
	values[0] += n;
	return outside(end[-1]);
}

int second(int x)
{
	last += x;
	values[1] = x;
	return last;
}
