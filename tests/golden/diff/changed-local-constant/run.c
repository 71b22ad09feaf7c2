/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int second(int x);
int second_new(int x) NEW(second);

int main(void)
{
	EXPECT(second(2) == 31);
	EXPECT(second_new(2) == 36);
	EXPECT(second_new(3) == 41);
	return 0;
}
