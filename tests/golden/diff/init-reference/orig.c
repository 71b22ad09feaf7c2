/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static int __initdata early = 3;

int __init start(void)
{
	return early++;
}

int first(int x)
{
	return outside(x);
}
