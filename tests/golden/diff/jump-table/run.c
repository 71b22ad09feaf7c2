/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int second_old(int x) asm("second");
int second(int x) NEW(second);

int main(void)
{
	EXPECT(second_old(5) == 92);
	EXPECT(second(5) == 4);
	EXPECT(strcmp(printed, "vier") == 0);
	EXPECT(second(4) == 92);
	EXPECT(second(3) == 1001);
	EXPECT(second(1) == 0);
	EXPECT(strcmp(printed, "eins") == 0);
	EXPECT(second(77) == 0);
	return 0;
}
