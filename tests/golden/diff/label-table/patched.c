/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* An interpreter: what it does next is where the table says. */
int run(const unsigned char *p)
{
	static const void *const labels[] = { &&end, &&one, &&two };
	int x = 0;

	goto *labels[*p++];
one:
	x += outside(1);
	goto *labels[*p++];
two:
	x += outside(3);
	goto *labels[*p++];
end:
	return x;
}
