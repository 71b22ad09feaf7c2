/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int two(int x), two_new(int x) NEW(two);

int main(void)
{
	EXPECT(two(1) == 11);
	EXPECT(two(101) == 11);
	EXPECT(two_new(1) == 12);
	EXPECT(two_new(60) == 11);
	EXPECT(two_new(60) == 10);
	EXPECT(two_new(101) == 12);
	EXPECT(two(101) == 13);
	EXPECT(two(1) == 13);
	return 0;
}
