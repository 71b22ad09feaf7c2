/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	static int count;

	return ++count + x;
}

int second(int x)
{
	static int count = 100;

	return ++count + x;
}
