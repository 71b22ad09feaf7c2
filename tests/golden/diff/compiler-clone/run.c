/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x);
int scaled(int x) asm("suture_new.unit.scaled.constprop.0");

int main(void)
{
	EXPECT(first(1) == 1005);
	EXPECT(scaled(1) == 4 - 1000);
	return 0;
}
