/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Inlined here, a function of its own there: its variable stays the same. */
static inline __attribute__((always_inline)) int tick(int x)
{
	static int count = 5;

	return outside(x) + count++;
}

int first(int x)
{
	return tick(x) + 1;
}
