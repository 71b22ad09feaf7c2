/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first_old(int x) asm("first");
int first(int x) NEW(first);

int main(void)
{
	EXPECT(first_old(0) == 2);
	EXPECT(first(1) == 2 + 200 + 42);
	EXPECT(strcmp(printed, "one") == 0);
	EXPECT(first_old(0) == 1 + 3);
	return 0;
}
