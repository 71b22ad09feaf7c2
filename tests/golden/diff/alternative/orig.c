/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	int y;

	asm(ALTERNATIVE("movl $1, %0", "movl $2, %0", 77) : "=r"(y));
	return outside(x) + y;
}

int second(int x)
{
	int y;

	asm(ALTERNATIVE("movl $3, %0", "movl $4, %0", 78) : "=r"(y));
	asm volatile(ALTERNATIVE("nop", "", 79));
	return outside(x) + y;
}

int third(int x)
{
	int y;

	asm(ALTERNATIVE("movl $5, %0", "movl $6, %0", 80) : "=r"(y));
	return outside(x) + y;
}
