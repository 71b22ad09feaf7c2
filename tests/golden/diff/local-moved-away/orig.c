/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Functions that have nothing to do with each other do not share a state. */
int first(int x)
{
	static int count;

	count += x;
	return outside(count);
}

int second(int x)
{
	return outside(x);
}
