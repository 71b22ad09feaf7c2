/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	return outside(x) * 3;
}

int second(int number)
{
	int product = outside(number) * 5;

	return product;
}
