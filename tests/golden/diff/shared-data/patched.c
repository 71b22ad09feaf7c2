/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static int __read_mostly beta[4] = { 1, 2, 3, 4 };
static int __read_mostly alpha = 1;
static int __read_mostly gamma = 3;

int get_alpha(void)
{
	return alpha;
}

int first(int x)
{
	alpha = 6;
	gamma += x;
	return outside(x) + beta[x % 4] + gamma;
}

void set(int x)
{
	alpha = beta[0] = gamma = x;
}
