/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What functions do with constants of which a copy is as good. */
struct entry {
	int key, value;
	const char *name;
};

int same(const char *a, const char *b);
int parse(void *to, const int *policy, int max);
int use(const struct entry *entry, int x);

int find(int key)
{
	static const struct entry list[] = { { 1, 2, "a" }, { 3, 5, "b" }, { 5, 6, "c" } };

	for (const struct entry *p = list; p < list + 3; p++)
		if (p->key == key && use(p, key))
			return p->value;
	return -1;
}

int find_named(const char *name)
{
	static const struct entry named[] = { { 1, 2, "a" }, { 3, 5, "b" }, { 0 } };
	const struct entry *p;

	for (p = named; p->name; p++)
		if (same(p->name, name))
			return p - named;
	return -1;
}

int check(int x)
{
	static const int policy[] = { 1, 2, 7 };
	void *to[3];

	return parse(to, policy, x) < 0 ? -1 : parse(to[0], policy, 2);
}

const char *name_of(unsigned x)
{
	static const char *const names[] = { "x", "y", "w" };

	return x < 3 ? names[x] : 0;
}
