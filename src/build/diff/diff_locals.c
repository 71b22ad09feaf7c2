/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered variables (static locals): `count.12` of one build may be `count.7` of the other. They
 * are paired through what refers to them: a pair of functions uses the same variables, whatever
 * their numbers. Where a function uses several of one name, those of one size and type that are
 * declared in the same line (#line keeps what a patch does not touch) and used by the same code are
 * the same; then equal size and content tell them apart, then their order, which is tentative.
 * Where one of several came or went, only the first will do.
 *
 * Code also moves: a function that one build inlines is a function of its own in the other. So the
 * variables of functions without a pair count as used by those that call them.
 */
#include "build/diff/diff_internal.h"
#include "build/object/scopes.h"

/* Functions without a pair are followed into each other no deeper than this, ... */
#define DEPTH_MAX  8
/* ... no further than so many references from each user, ... */
#define VISITS_MAX 4096
/* ... and pairs are looked for again as long as there were new ones, no more often than this. */
#define ROUNDS_MAX 8
/* Variables of one name are told apart by the code that uses them if that takes no more steps. */
#define USES_MAX   (1U << 20)
/* Of a variable that moved, so many users are looked at. */
#define USERS_MAX  8

/* A variable without a pair that a function uses. */
struct candidate {
	struct atom *atom;
	const struct atom *by; /* its first user */
	uint32_t order;        /* of first use */
	uint64_t print;
	uint64_t use; /* diff_use_print(); 0: not known */
};

struct candidates {
	VEC(struct candidate) list;
};

static void candidates_free(struct candidates *c)
{
	free(c->list.items);
}

static bool is_leftover(const struct atom *atom)
{
	return atom->base && !atom->pair && atom->kind == ATOM_DATA;
}

struct walk {
	struct diff *diff;
	struct candidates *out;
	unsigned visits;
	unsigned depth_max; /* how deep functions without a pair are followed */
};

static int walk(struct walk *w, const struct atom *by, unsigned depth)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < by->ref_count; i++) {
		struct atom *target = by->refs[i].target;

		if (!target || target->pair || target->stamp == w->diff->stamp)
			continue;
		if (depth > 0 && w->visits++ > VISITS_MAX)
			return 0;
		target->stamp = w->diff->stamp;
		struct candidate c = { .atom = target,
				       .by = by,
				       .order = (uint32_t)w->out->list.count };
		if (is_leftover(target)) {
			c.print = diff_fingerprint(target);
			e = VEC_PUSH(&w->out->list, c);
		} else if (target->kind == ATOM_FUNCTION && depth < w->depth_max) {
			e = walk(w, target, depth + 1);
			if (e == 0 && target->cold)
				e = walk(w, target->cold, depth + 1);
		}
	}
	return e;
}

/* The numbered variables without a pair that an atom uses, in the order of first use. */
static int used_by(struct diff *diff, const struct atom *by, unsigned depth, struct candidates *out)
{
	struct walk w = { .diff = diff, .out = out, .depth_max = depth };

	diff->stamp++;
	int e = walk(&w, by, 0);
	return e == 0 && by->cold ? walk(&w, by->cold, 0) : e;
}

#define COMPARE(x, y)                              \
	do {                                       \
		if ((x) != (y))                    \
			return (x) < (y) ? -1 : 1; \
	} while (0)

static uint64_t size_of(const struct candidate *c)
{
	return c->atom->end - c->atom->start;
}

/* Kind and size. */
static int compare_shapes(const struct candidate *x, const struct candidate *y)
{
	COMPARE(x->atom->section->class, y->atom->section->class);
	COMPARE(size_of(x), size_of(y));
	return 0;
}

static int compare_contents(const struct candidate *x, const struct candidate *y)
{
	int c = compare_shapes(x, y);

	if (c)
		return c;
	COMPARE(x->print, y->print);
	return 0;
}

static int by_base(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = strcmp(x->atom->base, y->atom->base);

	if (c)
		return c;
	COMPARE(x->order, y->order);
	return 0;
}

static int by_content(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = compare_contents(x, y);

	if (c)
		return c;
	COMPARE(x->order, y->order);
	return 0;
}

/* Declared alike and used alike: line, size, type and the code. Where a line is not known, it is 0.
 */
static int compare_declarations(const struct candidate *x, const struct candidate *y)
{
	COMPARE(x->atom->line, y->atom->line);
	int c = compare_shapes(x, y);
	if (c || x->atom->line == 0)
		return c;
	COMPARE(x->use, y->use);
	return strcmp(x->atom->type, y->atom->type);
}

static int by_declaration(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = compare_declarations(x, y);

	if (c)
		return c;
	COMPARE(x->order, y->order);
	return 0;
}

static int by_shape(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = compare_shapes(x, y);

	if (c)
		return c;
	COMPARE(x->order, y->order);
	return 0;
}

/* Candidates of one name in both objects, and the functions that use them. */
struct group {
	struct candidate *a, *b;
	size_t a_count, b_count;
	const struct atom *by; /* of the original */
	bool progress;
};

static void pair_candidates(struct group *g, struct candidate *a, struct candidate *b, bool clear)
{
	diff_set_pair(a->atom, b->atom, PAIR_BY_USER);
	a->atom->paired_through = g->by;
	b->atom->paired_through = g->by->pair;
	/* of a constant any copy will do */
	a->atom->tentative = b->atom->tentative = !clear && a->atom->section->class != CLASS_RODATA;
	g->progress = true;
}

/* Removes those that have a pair by now. */
static size_t compact(struct candidate *list, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!list[i].atom->pair)
			list[n++] = list[i];
	return n;
}

/* What may be paired: all; only constants; only what is declared in a line of its own. */
enum match { MATCH_ALL, MATCH_CONSTANTS, MATCH_DECLARED };

static bool may_match(const struct candidate *c, size_t run, enum match what)
{
	return what == MATCH_ALL ||
	       (what == MATCH_DECLARED ? run == 1 && c->use
				       : c->atom->section->class == CLASS_RODATA);
}

/* Pairs runs that are equal under `compare`, and equally long, in their order. Sorted by `sort`. */
static void match(struct group *g, int (*sort)(const void *, const void *),
		  int (*compare)(const struct candidate *, const struct candidate *),
		  enum match what)
{
	size_t i = 0, k = 0;

	g->a_count = compact(g->a, g->a_count);
	g->b_count = compact(g->b, g->b_count);
	if (g->a_count == 0 || g->b_count == 0)
		return;
	qsort(g->a, g->a_count, sizeof(*g->a), sort);
	qsort(g->b, g->b_count, sizeof(*g->b), sort);
	while (i < g->a_count && k < g->b_count) {
		size_t n = 1, m = 1;
		int c = compare(&g->a[i], &g->b[k]);

		while (i + n < g->a_count && compare(&g->a[i], &g->a[i + n]) == 0)
			n++;
		while (k + m < g->b_count && compare(&g->b[k], &g->b[k + m]) == 0)
			m++;
		if (c == 0 && n == m && may_match(&g->a[i], n, what))
			for (size_t j = 0; j < n; j++)
				pair_candidates(g, &g->a[i + j], &g->b[k + j], n == 1);
		if (c <= 0)
			i += n;
		if (c >= 0)
			k += m;
	}
}

static void pair_group(struct group *g)
{
	if (g->a_count == 1 && g->b_count == 1) { /* a changed size is for the comparison to find */
		pair_candidates(g, &g->a[0], &g->b[0], true);
		return;
	}
	bool same = g->a_count == g->b_count;
	match(g, by_declaration, compare_declarations, MATCH_DECLARED);
	match(g, by_content, compare_contents, same ? MATCH_ALL : MATCH_CONSTANTS);
	if (same)
		match(g, by_shape, compare_shapes, MATCH_ALL);
}

static size_t same_base(const struct candidates *c, size_t from)
{
	size_t n = 1;

	while (from + n < c->list.count &&
	       streq(c->list.items[from].atom->base, c->list.items[from + n].atom->base))
		n++;
	return n;
}

static bool has_several(const struct candidates *c)
{
	for (size_t i = 0; i < c->list.count; i += same_base(c, i))
		if (same_base(c, i) > 1)
			return true;
	return false;
}

static void find_uses(struct candidates *c)
{
	for (size_t i = 0; i < c->list.count; i++) {
		struct candidate *one = &c->list.items[i];

		if (one->atom->line > 0 && one->by->ref_count <= USES_MAX / c->list.count)
			one->use = diff_use_print(one->by, one->atom);
	}
}

static bool pair_all(const struct atom *by, struct candidates *as, struct candidates *bs)
{
	bool progress = false;

	for (size_t i = 0, k = 0; i < as->list.count && k < bs->list.count;) {
		size_t n = same_base(as, i), m = same_base(bs, k);
		int c = strcmp(as->list.items[i].atom->base, bs->list.items[k].atom->base);
		struct group g = { as->list.items + i, bs->list.items + k, n, m, by, false };

		if (c == 0)
			pair_group(&g);
		progress |= g.progress;
		if (c <= 0)
			i += n;
		if (c >= 0)
			k += m;
	}
	return progress;
}

struct atom_queue {
	VEC(struct atom *) list;
};

static void atom_queue_free(struct atom_queue *q)
{
	free(q->list.items);
}

static int note_declaration(void *user, const struct elf_section *section, uint64_t position,
			    uint64_t line, const char *type)
{
	const struct atom_section *s = section->user;
	struct atom *atom = s && position <= INT64_MAX ? atom_at(s, (int64_t)position) : NULL;

	if (!atom || atom->start != position || !atom->base)
		return 0;
	atom->line = line;
	atom->type = arena_strdup(user, type);
	return atom->type ? 0 : ERR_NO_MEMORY;
}

/* Where the numbered variables of both objects are declared, as far as they have debugging data. */
static int read_declarations(struct diff *diff)
{
	const struct scopes_visitor visitor = { .variable = note_declaration, .user = diff->arena };

	if (diff->declarations_read)
		return 0;
	diff->declarations_read = true;
	int e = scopes_visit(diff->original.object, &visitor);
	if (e == 0)
		e = scopes_visit(diff->patched.object, &visitor);
	return e == ERR_NOT_FOUND ? 0 : e;
}

static int pair_used(struct diff *diff, struct atom *by, unsigned depth, struct atom_queue *queue,
		     bool *progress)
{
	_cleanup_(candidates_free) struct candidates as = { 0 };
	_cleanup_(candidates_free) struct candidates bs = { 0 };

	int e = used_by(diff, by, depth, &as);
	if (e < 0 || as.list.count == 0)
		return e;
	e = used_by(diff, by->pair, depth, &bs);
	if (e < 0 || bs.list.count == 0)
		return e;
	qsort(as.list.items, as.list.count, sizeof(struct candidate), by_base);
	qsort(bs.list.items, bs.list.count, sizeof(struct candidate), by_base);
	if (has_several(&as) || has_several(&bs)) {
		e = read_declarations(diff);
		find_uses(&as);
		find_uses(&bs);
	}
	if (e < 0 || !pair_all(by, &as, &bs))
		return e;
	*progress = true;
	for (size_t i = 0; e == 0 && i < as.list.count; i++) {
		struct atom *atom = as.list.items[i].atom;

		if (atom->pair && atom->ref_count > 0) /* it may use others */
			e = VEC_PUSH(&queue->list, atom);
	}
	return e;
}

static int pair_round(struct diff *diff, unsigned depth, bool *progress)
{
	_cleanup_(atom_queue_free) struct atom_queue queue = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->original.atoms.count; i++) {
		struct atom *atom = diff->original.atoms.items[i];

		if (atom->pair && !atom->parent)
			e = pair_used(diff, atom, depth, &queue, progress);
		while (e == 0 && queue.list.count > 0)
			e = pair_used(diff, queue.list.items[--queue.list.count], depth, &queue,
				      progress);
	}
	return e;
}

static int pair_rounds(struct diff *diff, unsigned depth)
{
	bool progress = true;
	int e = 0;

	for (unsigned i = 0; e == 0 && progress && i < ROUNDS_MAX; i++) {
		progress = false;
		e = pair_round(diff, depth, &progress);
	}
	return e;
}

int diff_pair_locals(struct diff *diff)
{
	int e = pair_rounds(diff, 0);

	return e < 0 ? e : pair_rounds(diff, DEPTH_MAX);
}

/* What is left over of one name in one object. */
struct leftover {
	struct atom *atom; /* one of them */
	size_t count;
	const struct atom *users[USERS_MAX];
	size_t user_count;
};

static bool is_moveable(const struct atom *atom)
{
	return is_leftover(atom) && !section_is_table(atom->section->class) &&
	       atom->section->class != CLASS_INIT_DATA;
}

static int find_leftovers(struct diff *diff, struct atom_set *unit, struct name_table *table)
{
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (!is_moveable(atom))
			continue;
		const struct name_entry *entry = name_table_find(table, atom->base);
		struct leftover *l = entry ? entry->items.items[0]
					   : arena_new_object(diff->arena, struct leftover);
		if (!l || (!entry && name_table_add(table, atom->base, l) < 0))
			return ERR_NO_MEMORY;
		l->atom = atom;
		l->count++;
	}
	return 0;
}

static void note_user(const struct name_table *table, const struct atom *user,
		      const struct atom *target)
{
	const struct name_entry *entry = name_table_find(table, target->base);
	struct leftover *l = entry ? entry->items.items[0] : NULL;

	if (!l || l->atom != target || l->user_count == USERS_MAX ||
	    (l->user_count > 0 && l->users[l->user_count - 1] == user))
		return;
	l->users[l->user_count++] = user;
}

static void find_users(struct atom_set *unit, const struct name_table *table)
{
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		for (size_t k = 0; atom->kind == ATOM_FUNCTION && k < atom->ref_count; k++) {
			const struct atom *target = atom->refs[k].target;
			if (target && is_moveable(target))
				note_user(table, atom_owner(atom), target);
		}
	}
}

static bool refers(const struct atom *by, const struct atom *what)
{
	for (const struct atom *part = by; part; part = part == by ? by->cold : NULL)
		for (size_t i = 0; what && i < part->ref_count; i++)
			if (part->refs[i].target == what)
				return true;
	return false;
}

/* Code can only have moved from one function to another if one of them calls the other. */
static bool are_related(const struct atom *a, const struct atom *b)
{
	return refers(b, a->pair) || refers(a, b->pair) || (a->pair && refers(a->pair, b)) ||
	       (b->pair && refers(b->pair, a));
}

static const struct atom *relation(const struct leftover *a, const struct leftover *b)
{
	for (size_t i = 0; i < a->user_count; i++)
		for (size_t k = 0; k < b->user_count; k++)
			if (are_related(a->users[i], b->users[k]))
				return a->users[i];
	return NULL;
}

/* A numbered variable that is left over may be any left-over one of its name in the original. */
static void mark_unclear(struct atom_set *unit, const struct name_table *others)
{
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (is_moveable(atom) && atom->section->class != CLASS_RODATA)
			atom->unclear = name_table_find(others, atom->base) != NULL;
	}
}

static int pair_leftover(const struct name_entry *entry, void *user)
{
	const struct leftover *b = entry->items.items[0];
	const struct name_entry *other = name_table_find(user, entry->name);
	const struct leftover *a = other ? other->items.items[0] : NULL;

	if (!a || a->count != 1 || b->count != 1 ||
	    diff_fingerprint(a->atom) != diff_fingerprint(b->atom))
		return 0;
	const struct atom *by = relation(a, b);
	if (!by)
		return 0;
	diff_set_pair(a->atom, b->atom, PAIR_BY_USER);
	a->atom->paired_through = b->atom->paired_through = by;
	return 0;
}

int diff_pair_moved_locals(struct diff *diff)
{
	_cleanup_name_table_ struct name_table *a = name_table_new(), *b = name_table_new();

	if (!a || !b)
		return ERR_NO_MEMORY;
	int e = find_leftovers(diff, &diff->original, a);
	if (e == 0)
		e = find_leftovers(diff, &diff->patched, b);
	if (e < 0)
		return e;
	find_users(&diff->original, a);
	find_users(&diff->patched, b);
	(void)name_table_each(b, pair_leftover, a);
	mark_unclear(&diff->original, b);
	mark_unclear(&diff->patched, a);
	return 0;
}
