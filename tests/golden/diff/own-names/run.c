/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x);
int first_new(int x) NEW(first);

int main(void)
{
	EXPECT(first(2) == 5 + 5 + 4 + 0 + 1);
	EXPECT(first_new(2) == 7 + 6 + 3 + 1 + 1001); /* the kernel's own variables, not copies */
	return 0;
}
