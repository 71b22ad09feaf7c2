/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* More users than are told by name. */
noinline int helper(int x)
{
	return outside(x) + 1;
}

int changes(int x)
{
	return helper(x) + 1;
}

int user01(int x)
{
	return helper(x) + 101;
}

int user02(int x)
{
	return helper(x) + 102;
}

int user03(int x)
{
	return helper(x) + 103;
}

int user04(int x)
{
	return helper(x) + 104;
}

int user05(int x)
{
	return helper(x) + 105;
}

int user06(int x)
{
	return helper(x) + 106;
}

int user07(int x)
{
	return helper(x) + 107;
}

int user08(int x)
{
	return helper(x) + 108;
}

int user09(int x)
{
	return helper(x) + 109;
}

int user10(int x)
{
	return helper(x) + 110;
}

int user11(int x)
{
	return helper(x) + 111;
}

int user12(int x)
{
	return helper(x) + 112;
}

int user13(int x)
{
	return helper(x) + 113;
}
