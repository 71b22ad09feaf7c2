/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Objects keep the address of a constant that they were made with. */
struct chip {
	const int *limits;
	int x;
};

static const int limits[2] = { 1, 2 };

int probe(struct chip *chip)
{
	chip->limits = limits;
	return outside(chip->x);
}
