/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

struct state {
	int a, b, c;
	short d;
	char e;
};

static struct state state;
static char bytes[8];
static long long wide[2];

int get(int i)
{
	return i == 0 ? state.a : i == 1 ? state.c : i == 2 ? state.d : i == 3 ? bytes[3] : wide[1];
}

void first(int x)
{
	*(volatile int *)&state.a = 5;
	*(volatile short *)&state.d = 7;
	*(volatile char *)&bytes[3] = 9;
	*(volatile long long *)&wide[1] = -3;
	*(volatile int *)&state.c = x;
}
