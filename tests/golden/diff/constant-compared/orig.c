/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What an object is told by is the address of a constant. */
struct object {
	const void *kind;
	int x;
};

static const int kind = 1;

int make(struct object *o)
{
	return outside(kind);
}

int check(struct object *o)
{
	return o->kind == &kind ? outside(o->x) : -1;
}
