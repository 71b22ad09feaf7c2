/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Who has the code of a function that is nowhere on its own, or both ways. */
static inline int twice(int x)
{
	return outside(x) * 2 + 2;
}

static inline __attribute__((always_inline)) int through(int x)
{
	return twice(x) + 1;
}

int first(int x)
{
	return through(x);
}

int second(int x)
{
	return twice(x) * 3;
}

int third(int x)
{
	return outside(x);
}

int own(int x)
{
	return outside(x) + 2;
}

int fourth(int x)
{
	return own(x) + 1;
}
