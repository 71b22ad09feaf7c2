/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static int old_count;

int first(int x)
{
	old_count++;
	return outside(x) + old_count;
}
