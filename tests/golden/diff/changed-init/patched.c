/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static int ready;

static noinline int __init prepare(int x)
{
	return outside(x);
}

int __init start(void)
{
	ready = 1;
	return prepare(4);
}

int first(int x)
{
	return ready ? x + 1 : 0;
}
