/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first_old(int x) asm("first");
int first(int x) NEW(first);
void set(int x);
int get_alpha(void);

int main(void)
{
	set(100);
	EXPECT(first(1) == 2 + 2 + 101);
	EXPECT(get_alpha() == 6);
	EXPECT(first_old(0) == 1 + 100 + 101);
	EXPECT(get_alpha() == 5);
	return 0;
}
