/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

typedef int (*handler)(int x);

int first(int x)
{
	return outside(x);
}

handler get(int which)
{
	return which ? first : outside;
}

int second(int x)
{
	return first(x) + 1;
}
