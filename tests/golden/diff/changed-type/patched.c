/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static long value = 3;

int first(int x)
{
	return value + x;
}

void set(int x)
{
	value = x;
}
