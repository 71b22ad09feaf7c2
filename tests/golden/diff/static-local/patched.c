/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static noinline int unused_before(int x)
{
	static int count;

	return count++ + outside(x);
}

int first(int x)
{
	static int count;

	return ++count + x;
}

int second(int x)
{
	static int count = 100;

	count += 10;
	return count + x + unused_before(0);
}
