/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int open_it(int x)
{
	return outside(x);
}

int open_it_all(int x)
{
	return outside(x + 1);
}
