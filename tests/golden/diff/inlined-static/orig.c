/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static inline int check(int x)
{
	return x > 10;
}

int first(int x)
{
	return check(x) ? outside(x) : 0;
}

int second(int x)
{
	return check(x) ? 1 : outside(2);
}

int third(int x)
{
	return outside(x + 3);
}
