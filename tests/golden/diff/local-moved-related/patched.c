/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Variables that move between functions of which one calls the other, before or after. */
noinline int to_caller_callee(int x)
{
	return outside(x);
}

int to_caller(int x)
{
	static int one = 1;

	return to_caller_callee(x) + 1 + one++;
}

noinline int to_callee_callee(int x)
{
	static int two = 2;

	return outside(x) + two++;
}

int to_callee(int x)
{
	return outside(x) + 1;
}

noinline int new_call_callee(int x)
{
	static int three = 3;

	return outside(x) + three++;
}

int new_call(int x)
{
	return new_call_callee(x);
}

noinline int lost_call_callee(int x)
{
	return outside(x);
}

int lost_call(int x)
{
	static int four = 4;

	return outside(x) + 1 + four++;
}
