/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Each function keeps the address of a constant, or tells something by it; none says so in one
 * instruction. */
struct object {
	const int *kind;
	int x;
};

void choose(struct object *o)
{
	static const int some[] = { 1, 2, 3 }, others[] = { 4, 5, 6 };

	o->kind = o->x ? some : others;
}

void element(struct object *o)
{
	static const int list[] = { 1, 2, 3 };

	o->kind = &list[o->x];
}

void swap(struct object *o)
{
	static const int fresh[] = { 1, 2, 3 };

	__atomic_exchange_n(&o->kind, fresh, __ATOMIC_SEQ_CST);
}

int place(struct object *o)
{
	static const int places[] = { 1, 2, 3 };

	return outside(places[o->x]) + (o->kind - places);
}

int either(struct object *o, struct object *p)
{
	static const int wanted[] = { 1, 2, 3 };

	return o->kind == wanted || p->kind == wanted ? wanted[o->x] : 0;
}

const int *give(void)
{
	static const int given[] = { 1, 2, 3 };

	return given;
}

void seldom(struct object *o, int x)
{
	static const int rare[] = { 1, 2, 3 };
	const int *p = x ? rare : rare + 1;

	if (unlikely(x == 9)) {
		outside(4);
		o->kind = p;
	}
	outside(p[x]);
}

int second(struct object *o)
{
	static const int steps[] = { 1, 2, 3 };

	return o->kind == steps + 1 ? outside(steps[o->x]) : 0;
}
