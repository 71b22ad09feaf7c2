/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* The linker makes one of all that have the name. */
int shared __attribute__((common));

int first(int x)
{
	return shared += x + 1;
}

int second(int x)
{
	return shared - x;
}
