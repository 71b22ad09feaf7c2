/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Constants of one function whose address others have, or that hold the address of code elsewhere. */
int first(int x)
{
	static const int numbers[] = { 1, 1 + 1, 3 };
	static const int *const place __used = numbers;

	return outside(numbers[x]);
}

int other(int x);

int second(int x)
{
	static int (*const table[])(int x) = { outside, outside };

	return table[x](x) + 1;
}
