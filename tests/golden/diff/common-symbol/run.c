/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x);
int first_new(int x) NEW(first);

int main(void)
{
	EXPECT(first(2) == 2);
	EXPECT(first_new(2) == 5);
	EXPECT(first(0) == 5);
	return 0;
}
