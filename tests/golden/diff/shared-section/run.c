/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x) NEW(first);
int third(int x);

int main(void)
{
	EXPECT(first(1) == 1004);
	EXPECT(third(1) == 2 * 5 + 1 + 2 + 6);
	return 0;
}
