/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x), second(int x);
int second_new(int x) NEW(second);

int main(void)
{
	EXPECT(first(0) == 1);
	EXPECT(second(0) == 101);
	EXPECT(second_new(0) == 111 + 1);
	EXPECT(second_new(0) == 121 + 2);
	EXPECT(second(0) == 122);
	EXPECT(first(0) == 2);
	return 0;
}
