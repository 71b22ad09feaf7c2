/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x) NEW(first);
int helper(int x);

int main(void)
{
	EXPECT(first(5) == 6);
	EXPECT(first(500) == 102);
	EXPECT(helper(500) == 103);
	return 0;
}
