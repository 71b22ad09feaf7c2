/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

__attribute__((cold)) void failed(const char *what);
static int errors;

int first(int x)
{
	if (x == 7) {
		errors++;
		failed("first");
		return outside(x) - 1;
	}
	return outside(x) * 2;
}

int second(int x)
{
	if (x == 8) {
		errors++;
		failed("the second");
		return outside(x) - 1;
	}
	return outside(x) * 2;
}

int get_errors(void)
{
	return errors;
}
