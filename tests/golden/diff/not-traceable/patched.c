/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int notrace first(int x)
{
	return outside(x + 1);
}

int second(int x)
{
	return outside(x);
}
