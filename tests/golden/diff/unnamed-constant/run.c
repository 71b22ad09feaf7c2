/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

void second(void) NEW(second);
static int last, start;

void apply(const int *values)
{
	start = values[0];
	last = values[39];
}

int main(void)
{
	second();
	EXPECT(last == 42);
	EXPECT(start == 11);
	return 0;
}
