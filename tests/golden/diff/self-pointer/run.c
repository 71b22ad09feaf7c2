/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

struct work {
	void (*fn)(struct work *w);
	int count;
};

void first(struct work *w);
void first_new(struct work *w) NEW(first);

void queue(struct work *w)
{
	w->count *= 10;
}

int main(void)
{
	struct work w = { 0 };

	first_new(&w);
	EXPECT(w.count == 20);
	EXPECT(w.fn == first);
	return 0;
}
