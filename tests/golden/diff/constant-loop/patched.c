/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* A loop compares with the end of its table, which says nothing about what it is. */
int first(int x)
{
	static const int numbers[] = { 1, 2 + 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

	for (const int *p = numbers; p < numbers + sizeof(numbers) / sizeof(*numbers); p++)
		x = outside(x + *p);
	return x;
}
