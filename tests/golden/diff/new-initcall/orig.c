/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	return outside(x);
}

static int __init start(void)
{
	return outside(1);
}
initcall(start);
