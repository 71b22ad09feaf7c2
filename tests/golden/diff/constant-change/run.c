/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x), second(int x);
int second_new(int x) NEW(second);

int main(void)
{
	EXPECT(first(1) == 6);
	EXPECT(second(1) == 10);
	EXPECT(second_new(1) == 14);
	return 0;
}
