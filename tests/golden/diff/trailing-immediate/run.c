/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int get(int i);
void first(int x) NEW(first);

int main(void)
{
	first(20);
	EXPECT(get(0) == 5);
	EXPECT(get(1) == 21);
	EXPECT(get(2) == 7);
	EXPECT(get(3) == 9);
	EXPECT(get(4) == -3);
	return 0;
}
