/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x), first_new(int x) NEW(first);
int reported;

void report(int x)
{
	reported = x;
}

int main(void)
{
	EXPECT(first(1) == 6);
	EXPECT(first_new(1) == 7);
	EXPECT(first_new(-4) == 5 && reported == -4);
	return 0;
}
