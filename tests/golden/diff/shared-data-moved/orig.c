/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static int __read_mostly values[4] = { 1, 2, 3, 4 };
static int __read_mostly last = 5;

int first(int n)
{
	int sum = 0;

	for (int *p = values; p < values + 4; p++)
		sum += outside(*p) + n;
	return sum;
}

int second(int x)
{
	last += x;
	values[1] = x;
	return last;
}
