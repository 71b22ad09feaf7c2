/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has no symbol: strings, constants, jump tables, alternative code, entries of tables. */
#include "build/diff/atom_internal.h"

/* A place in a section that something refers to. */
struct mention {
	uint64_t position;
	const void *by; /* the function or section that refers to it */
};

struct mentions {
	VEC(struct mention) list;
};

static int compare_mentions(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

static const void *mentioned_by(const struct atom_section *from, const struct ref *ref)
{
	struct atom *atom = atom_at(from, (int64_t)ref->offset);

	return atom ? (const void *)atom_owner(atom) : (const void *)from;
}

/* Collects the mentions of every section at once; `all` has one element for each section. */
static int collect(struct atom_set *unit, struct mentions *all)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		const struct atom_section *from = &unit->sections[i];

		for (size_t k = 0; k < from->refs.count; k++) {
			const struct ref *ref = &from->refs.items[k];
			const struct atom_section *to = ref->section;

			if (!to || ref->position < 0 || (uint64_t)ref->position >= to->elf->size)
				continue;
			if (to->class != CLASS_RODATA && to->class != CLASS_SNIPPET &&
			    to->class != CLASS_INIT_DATA)
				continue;
			struct mention m = { (uint64_t)ref->position, mentioned_by(from, ref) };
			int e = VEC_PUSH(&all[to - unit->sections].list, m);
			if (e < 0)
				return e;
		}
	}
	return 0;
}

/* True if one function refers to both of two neighbouring places (both lists are sorted): they may
 * be parts of one thing. */
static bool same_user(const struct mention *a, size_t a_count, const struct mention *b,
		      size_t b_count)
{
	for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
		if (a[i].by == b[k].by)
			return true;
		if (a[i].by < b[k].by)
			i++;
		else
			k++;
	}
	return false;
}

static size_t run_length(const struct mention *list, size_t count)
{
	size_t n = 1;

	while (n < count && list[n].position == list[0].position)
		n++;
	return n;
}

/* The first mention at or behind a position. */
static size_t first_from(const struct mentions *m, uint64_t position)
{
	size_t low = 0, high = m->list.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->list.items[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Cuts [from, to) at the places mentioned in it, except between those that one function uses
 * together. `always`: at every place.
 */
static int cut(struct atom_set *unit, struct atom_section *s, uint64_t from, uint64_t to,
	       const struct mentions *m, bool always)
{
	const struct mention *list = m->list.items;
	size_t count = m->list.count, i = first_from(m, from), last = 0, last_count = 0;
	uint64_t start = from;

	while (i < count && list[i].position < to) {
		size_t n = run_length(list + i, count - i);
		bool joined = !always && last_count > 0 &&
			      same_user(list + last, last_count, list + i, n);

		if (list[i].position > start && last_count > 0 && !joined) {
			int e = atom_add(unit, s, ATOM_CONTENT, start, list[i].position, NULL);
			if (e < 0)
				return e;
			start = list[i].position;
		}
		last = i;
		last_count = n;
		i += n;
	}
	if (last_count == 0 && s->class != CLASS_SNIPPET)
		return 0; /* nobody uses it */
	return atom_add(unit, s, ATOM_CONTENT, start, to, NULL);
}

static int compare_atoms(const void *a, const void *b)
{
	const struct atom *x = *(struct atom *const *)a, *y = *(struct atom *const *)b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Calls `cut` or makes one atom for each gap between named atoms. */
static int fill_gaps(struct atom_set *unit, struct atom_section *s, const struct mentions *m)
{
	size_t named = s->atoms.count;
	uint64_t from = 0;

	for (size_t i = 0; i <= named; i++) {
		uint64_t to = i < named ? s->atoms.items[i]->start : s->elf->size;
		int e = 0;

		if (from < to && section_is_table(s->class))
			e = atom_add(unit, s, ATOM_DATA, from, to, NULL);
		else if (from < to)
			e = cut(unit, s, from, to, m, s->class == CLASS_SNIPPET);
		if (e < 0)
			return e;
		if (i < named)
			from = MAX(from, s->atoms.items[i]->end);
	}
	if (s->atoms.count > 1)
		qsort(s->atoms.items, s->atoms.count, sizeof(struct atom *), compare_atoms);
	return 0;
}

static int cut_strings(struct atom_set *unit, struct atom_section *s)
{
	for (uint64_t at = 0; at < s->elf->size && s->elf->data;) {
		const uint8_t *zero = memchr(s->elf->data + at, 0, s->elf->size - at);
		uint64_t end = zero ? (uint64_t)(zero - s->elf->data) + 1 : s->elf->size;
		int e = atom_add(unit, s, ATOM_CONTENT, at, end, NULL);

		if (e < 0)
			return e;
		at = end;
	}
	return 0;
}

static int unnamed_in(struct atom_set *unit, struct atom_section *s, struct mentions *m)
{
	if (m->list.count > 1)
		qsort(m->list.items, m->list.count, sizeof(*m->list.items), compare_mentions);
	switch (s->class) {
	case CLASS_STRINGS:
		if (s->atoms.count == 0)
			return cut_strings(unit, s);
		s->class = CLASS_RODATA;
		return 0;
	case CLASS_RODATA:
	case CLASS_INIT_DATA:
	case CLASS_SNIPPET:
	case CLASS_TABLE:
	case CLASS_UNKNOWN: return fill_gaps(unit, s, m);
	default: return 0;
	}
}

int atom_find_unnamed(struct atom_set *unit)
{
	struct mentions *all = calloc(unit->section_count + 1, sizeof(*all));
	int e = all ? collect(unit, all) : ERR_NO_MEMORY;

	for (size_t i = 0; e == 0 && i < unit->section_count; i++)
		e = unnamed_in(unit, &unit->sections[i], &all[i]);
	for (size_t i = 0; all && i < unit->section_count; i++)
		free(all[i].list.items);
	free(all);
	return e;
}
