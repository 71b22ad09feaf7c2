/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* A comment
 * of some
 * lines. */
int first(int x)
{
	WARN_ON(x == 3);
	return outside(x);
}

int second(int x)
{
	WARN_ON(x == 4);
	return outside(x) + 2;
}
