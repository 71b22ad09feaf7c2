/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

struct setup {
	int values[40];
};

void apply(const struct setup *s);

void first(void)
{
	struct setup s = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, [39] = 40 } };

	apply(&s);
}

void second(void)
{
	struct setup s = { { 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, [39] = 42 } };

	apply(&s);
}
