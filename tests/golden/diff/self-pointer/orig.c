/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

struct work {
	void (*fn)(struct work *w);
	int count;
};

void queue(struct work *w);

void first(struct work *w)
{
	w->count++;
	w->fn = first;
	queue(w);
}
