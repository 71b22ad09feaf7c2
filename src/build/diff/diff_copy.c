/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changed but cannot be changed where it is: functions that ftrace cannot redirect, and named
 * constants. If only functions of this file use such a thing, a copy of it goes along, and its
 * users are replaced so that they use the copy. The old one stays for those who are still in it. A
 * constant of the whole file is only copied if all its users changed anyway: the change may be
 * meant for others, too.
 *
 * That is safe only if its address is not kept anywhere. So functions must only be called, and a
 * constant must hold no addresses of code (a table of operations lives on in the objects that were
 * made with it), and no user may compare its address, write it to memory or return it: what has the
 * old address would not be known any more, or keep the old values. (What a called function does
 * with it is not followed.)
 */
#include "build/diff/diff_internal.h"

/* Who refers to what, in one object. */
struct edge {
	const struct atom *to;
	struct atom *from;
	bool call;
};

struct edges {
	VEC(struct edge) list;
};

static void edges_free(struct edges *edges)
{
	free(edges->list.items);
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

static int add_edges(struct edges *edges, const struct atom_section *s)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < s->refs.count; i++) {
		const struct ref *ref = &s->refs.items[i];
		if (!ref->target)
			continue;
		struct edge edge = { .to = atom_owner(ref->target),
				     .from = atom_at(s, (int64_t)ref->offset),
				     .call = ref->branch };
		if (edge.from)
			edge.from = atom_owner(edge.from);
		if (edge.from != edge.to)
			e = VEC_PUSH(&edges->list, edge);
	}
	return e;
}

static int find_edges(const struct atom_set *unit, struct edges *edges)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < unit->section_count; i++)
		if (unit->sections[i].class != CLASS_SPECIAL)
			e = add_edges(edges, &unit->sections[i]);
	if (edges->list.count > 1)
		qsort(edges->list.items, edges->list.count, sizeof(struct edge), compare_edges);
	return e;
}

static size_t first_edge(const struct edges *edges, const struct atom *to)
{
	size_t low = 0, high = edges->list.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (edges->list.items[middle].to < to)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Is this a use that a copy can have as well? A function must only be called, a constant's address
 * not be kept. */
static bool can_move(const struct edge *edge, const struct atom *atom)
{
	bool kept;

	if (!edge->from || edge->from->kind != ATOM_FUNCTION || atom_is_init(edge->from))
		return false;
	if (atom->kind == ATOM_FUNCTION)
		return edge->call;
	return diff_keeps_address(edge->from, atom, &kept) == 0 && !kept;
}

/* Do functions use it in such ways, and nothing else? */
static bool only_functions_use(const struct edges *edges, const struct atom *atom)
{
	size_t first = first_edge(edges, atom), i;

	for (i = first; i < edges->list.count && edges->list.items[i].to == atom; i++)
		if (!can_move(&edges->list.items[i], atom))
			return false;
	return i > first; /* one that nobody calls by name is reached in another way */
}

static bool is_local(const struct atom *atom)
{
	return atom->symbol && atom->symbol->binding == STB_LOCAL;
}

static bool holds_code(const struct atom *atom)
{
	for (size_t i = 0; i < atom->ref_count; i++)
		if (!atom->refs[i].target || atom_is_code(atom->refs[i].target))
			return true;
	return false;
}

static bool is_constant(const struct atom *atom)
{
	return atom->kind == ATOM_DATA && atom->section->class == CLASS_RODATA && !holds_code(atom);
}

static bool is_fixed_function(const struct atom *atom)
{
	return atom->kind == ATOM_FUNCTION && !atom_is_init(atom) && !atom_is_traceable(atom);
}

/* Has each of its users changed already? */
static bool all_users_differ(const struct edges *edges, const struct atom *atom)
{
	for (size_t i = first_edge(edges, atom);
	     i < edges->list.count && edges->list.items[i].to == atom; i++) {
		const struct atom *user = edges->list.items[i].from;

		if (user && user->pair && !user->differs)
			return false;
	}
	return true;
}

struct copying {
	struct edges original, patched;
	VEC(struct atom *) queue; /* of the patched object: differ, may be copied */
};

static void copying_done(struct copying *c)
{
	edges_free(&c->original);
	edges_free(&c->patched);
	free(c->queue.items);
}

static bool is_candidate(const struct atom *patched)
{
	const struct atom *original = patched->pair;

	if (!original || !patched->differs || !is_local(original) || !is_local(patched))
		return false;
	return (is_constant(original) && is_constant(patched)) || is_fixed_function(original);
}

/* Everything that uses a thing that has no pair differs from its own pair. */
static int spread(struct copying *c, const struct atom *atom)
{
	int e = 0;

	for (size_t i = first_edge(&c->patched, atom);
	     e == 0 && i < c->patched.list.count && c->patched.list.items[i].to == atom; i++) {
		struct atom *user = c->patched.list.items[i].from;

		if (user->differs)
			continue;
		user->differs = true;
		if (is_candidate(user))
			e = VEC_PUSH(&c->queue, user);
	}
	return e;
}

static int copy(struct copying *c, struct atom *atom)
{
	struct atom *original = atom->pair;

	if (!only_functions_use(&c->patched, atom) || !only_functions_use(&c->original, original))
		return 0;
	atom->copied = original->copied = true;
	atom->was = original;
	original->was = atom;
	atom->pair = original->pair = NULL;
	if (atom->cold && atom->cold->pair)
		atom->cold->pair = atom->cold->pair->pair = NULL;
	return spread(c, atom);
}

static bool is_of_file(const struct atom *atom)
{
	return atom->kind == ATOM_DATA && !atom->base;
}

static int copy_all(struct copying *c)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < c->queue.count; i++)
		if (!is_of_file(c->queue.items[i]))
			e = copy(c, c->queue.items[i]);
	for (size_t i = 0; e == 0 && i < c->queue.count; i++)
		if (is_of_file(c->queue.items[i]) &&
		    all_users_differ(&c->patched, c->queue.items[i]))
			e = copy(c, c->queue.items[i]);
	return e;
}

int diff_copy_fixed(struct diff *diff)
{
	_cleanup_(copying_done) struct copying c = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->patched.atoms.count; i++)
		if (!diff->patched.atoms.items[i]->parent &&
		    is_candidate(diff->patched.atoms.items[i]))
			e = VEC_PUSH(&c.queue, diff->patched.atoms.items[i]);
	if (e < 0 || c.queue.count == 0)
		return e;
	e = find_edges(&diff->original, &c.original);
	if (e == 0)
		e = find_edges(&diff->patched, &c.patched);
	return e < 0 ? e : copy_all(&c);
}
