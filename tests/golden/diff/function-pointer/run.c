/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

typedef int (*handler)(int x);
int first(int x);
int first_new(int x) NEW(first);
int second_new(int x) NEW(second);
handler get_new(int which) NEW(get);

int main(void)
{
	EXPECT(first_new(1) == 12);
	EXPECT(get_new(2) == first); /* the kernel's address, not the patch's */
	EXPECT(get_new(1) == outside);
	EXPECT(second_new(1) == 14); /* calls go straight to the new code */
	return 0;
}
