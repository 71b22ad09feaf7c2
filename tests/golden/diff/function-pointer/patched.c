/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

typedef int (*handler)(int x);

int first(int x)
{
	return outside(x) + 10;
}

handler get(int which)
{
	return which == 2 ? first : outside;
}

int second(int x)
{
	return first(x) + 2;
}
