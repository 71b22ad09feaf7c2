/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* The table of a function and of what inlines it. */
static inline int look_up(unsigned int x)
{
	static const int table[] = { 10, 20, 30, 40, 50, 60, 70, 80 };

	return table[x % 8];
}

int first(int x)
{
	return look_up((unsigned int)outside(x));
}

int second(int x)
{
	return look_up((unsigned int)x) + 1;
}

int third(int x)
{
	return outside(x);
}
