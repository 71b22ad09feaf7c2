/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x);
int first_new(int x) NEW(first);

int main(void)
{
	int outside_0 = first(0) - 6;

	EXPECT(first(0) == outside_0 + 7);
	EXPECT(first_new(0) == outside_0 + 9); /* counts on */
	EXPECT(first(0) == outside_0 + 9);
	EXPECT(first_new(0) == outside_0 + 12);
	return 0;
}
