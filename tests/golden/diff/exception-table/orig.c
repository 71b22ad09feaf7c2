/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int *p)
{
	int x;

	LOAD(x, *p);
	return x;
}

int second(int *p)
{
	int x;

	LOAD(x, p[1]);
	return x + 1;
}
