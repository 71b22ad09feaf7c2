/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which thing of the patched object is which of the original.
 *
 * Names pair what programmers name. Functions that the compiler cloned go by their full name, then
 * by what is left of it without the compiler's part. Numbered variables (static locals) are paired
 * through the functions that use them, since their numbers move. For functions any one-to-one
 * pairing is safe: a caller that means another one differs, too, and is replaced with it. For
 * variables it is not, so what only their order tells is marked as tentative.
 */
#include "build/diff_internal.h"

static void set_pair(struct atom *a, struct atom *b)
{
	a->pair = b;
	b->pair = a;
}

/* Things that names can pair: cold parts follow their functions, contents have no identity. */
static bool is_nameable(const struct atom *atom)
{
	return atom && atom->kind != ATOM_CONTENT && !atom->parent && !atom->base;
}

static int fill_names(struct atom_set *unit, struct name_table *table)
{
	for (size_t i = 0; i < unit->object->symbol_count; i++) {
		struct elf_symbol *sym = unit->object->symbols[i];

		if (!is_nameable(sym->user))
			continue;
		int e = name_table_add(table, sym->name, sym->user);
		if (e < 0)
			return e;
	}
	return 0;
}

/* The one atom of that name, or NULL when there are several. */
static struct atom *only(const struct name_entry *entry)
{
	if (!entry)
		return NULL;
	for (size_t i = 1; i < entry->items.count; i++)
		if (entry->items.items[i] != entry->items.items[0])
			return NULL;
	return entry->items.items[0];
}

static int pair_one_name(const struct name_entry *entry, void *user)
{
	struct atom *a = only(name_table_find(user, entry->name)), *b = only(entry);

	if (a && b && !a->pair && !b->pair && a->kind == b->kind)
		set_pair(a, b);
	return 0;
}

static int pair_names(struct diff *diff)
{
	_cleanup_name_table_ struct name_table *a = name_table_new(), *b = name_table_new();

	if (!a || !b)
		return ERR_NO_MEMORY;
	int e = fill_names(&diff->original, a);
	if (e == 0)
		e = fill_names(&diff->patched, b);
	return e < 0 ? e : name_table_each(b, pair_one_name, a);
}

static int fill_function_bases(struct diff *diff, struct atom_set *unit, struct name_table *table)
{
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (atom->kind != ATOM_FUNCTION || atom->pair || atom->parent || !atom->symbol)
			continue;
		const char *base = name_base(diff->arena, atom->name);
		if (!base || name_table_add(table, base, atom) < 0)
			return ERR_NO_MEMORY;
	}
	return 0;
}

/* `f.isra.0` of one build may be `f` or `f.constprop.0` of the other. */
static int pair_function_bases(struct diff *diff)
{
	_cleanup_name_table_ struct name_table *a = name_table_new(), *b = name_table_new();

	if (!a || !b)
		return ERR_NO_MEMORY;
	int e = fill_function_bases(diff, &diff->original, a);
	if (e == 0)
		e = fill_function_bases(diff, &diff->patched, b);
	return e < 0 ? e : name_table_each(b, pair_one_name, a);
}

static void pair_cold_parts(struct diff *diff)
{
	for (size_t i = 0; i < diff->original.atoms.count; i++) {
		struct atom *atom = diff->original.atoms.items[i];

		if (atom->cold && atom->pair && atom->pair->cold)
			set_pair(atom->cold, atom->pair->cold);
	}
}

struct atom_list {
	VEC(struct atom *) list;
};

static void atom_list_free(struct atom_list *l)
{
	free(l->list.items);
}

static int add_used(const struct atom *by, struct atom_list *out)
{
	for (size_t i = 0; i < by->ref_count; i++) {
		struct atom *target = by->refs[i].target;
		bool known = !target || !target->base || target->pair;

		for (size_t k = 0; !known && k < out->list.count; k++)
			known = out->list.items[k] == target;
		if (known)
			continue;
		int e = VEC_PUSH(&out->list, target);
		if (e < 0)
			return e;
	}
	return 0;
}

/* The numbered variables without a pair that an atom uses, in the order of first use. */
static int used_by(const struct atom *by, struct atom_list *out)
{
	int e = add_used(by, out);

	return e == 0 && by->cold ? add_used(by->cold, out) : e;
}

static bool alike(const struct atom *a, const struct atom *b)
{
	return !a->pair && !b->pair && streq(a->base, b->base) &&
	       a->section->class == b->section->class && a->end - a->start == b->end - b->start;
}

static size_t count_alike(const struct atom *a, const struct atom_list *in, struct atom **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < in->list.count; i++) {
		if (!alike(a, in->list.items[i]))
			continue;
		if (n++ == 0)
			*ret = in->list.items[i];
	}
	return n;
}

static size_t count_base(const char *base, const struct atom_list *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->list.count; i++)
		n += !in->list.items[i]->pair && streq(in->list.items[i]->base, base);
	return n;
}

/* Pairs the variables of one base name that a function uses in both builds. */
static bool pair_base(struct atom *a, const struct atom_list *as, const struct atom_list *bs)
{
	struct atom *b = NULL, *back = NULL;
	size_t all_a = count_base(a->base, as), all_b = count_base(a->base, bs);
	size_t n = count_alike(a, bs, &b);

	if (all_a == 1 && all_b == 1) { /* a changed size is for the comparison to find */
		for (size_t i = 0; i < bs->list.count; i++)
			if (!bs->list.items[i]->pair && streq(bs->list.items[i]->base, a->base))
				b = bs->list.items[i];
		set_pair(a, b);
		return true;
	}
	if (all_a != all_b || n == 0 || n != count_alike(b, as, &back))
		return false;
	set_pair(a, b);
	a->tentative = b->tentative = n > 1;
	return true;
}

static int pair_used(struct atom *by, bool *progress)
{
	_cleanup_(atom_list_free) struct atom_list as = { 0 };
	_cleanup_(atom_list_free) struct atom_list bs = { 0 };

	int e = used_by(by, &as);
	if (e < 0 || as.list.count == 0)
		return e;
	e = used_by(by->pair, &bs);
	for (size_t i = 0; e == 0 && i < as.list.count; i++)
		if (!as.list.items[i]->pair)
			*progress |= pair_base(as.list.items[i], &as, &bs);
	return e;
}

/* Each round may pair variables that refer to others. */
static int pair_numbered(struct diff *diff)
{
	bool progress = true;

	while (progress) {
		progress = false;
		for (size_t i = 0; i < diff->original.atoms.count; i++) {
			struct atom *atom = diff->original.atoms.items[i];

			if (!atom->pair || atom->parent)
				continue;
			int e = pair_used(atom, &progress);
			if (e < 0)
				return e;
		}
	}
	return 0;
}

static bool is_table(const struct atom *atom)
{
	return section_is_table(atom->section->class) || atom->section->class == CLASS_INIT_DATA;
}

static int fill_tables(struct diff *diff, struct atom_set *unit, struct name_table *table)
{
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (atom->kind != ATOM_DATA || atom->pair || !is_table(atom) ||
		    (atom->symbol && !atom->base))
			continue;
		const char *key = arena_printf(diff->arena, "%s %s", atom->section->elf->name,
					       atom->base ? atom->base : "");
		if (!key || name_table_add(table, key, atom) < 0)
			return ERR_NO_MEMORY;
	}
	return 0;
}

static int pair_one_table(const struct name_entry *entry, void *user)
{
	const struct name_entry *other = name_table_find(user, entry->name);

	for (size_t i = 0;
	     other && other->items.count == entry->items.count && i < entry->items.count; i++)
		set_pair(other->items.items[i], entry->items.items[i]);
	return 0;
}

/* Entries that nothing refers to (initcalls, parameters) keep their order. */
static int pair_tables(struct diff *diff)
{
	_cleanup_name_table_ struct name_table *a = name_table_new(), *b = name_table_new();

	if (!a || !b)
		return ERR_NO_MEMORY;
	int e = fill_tables(diff, &diff->original, a);
	if (e == 0)
		e = fill_tables(diff, &diff->patched, b);
	return e < 0 ? e : name_table_each(b, pair_one_table, a);
}

/* A numbered variable that was left over may be any left-over one of its name in the original. */
static int mark_unclear(struct diff *diff)
{
	_cleanup_name_table_ struct name_table *left = name_table_new();

	if (!left)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < diff->original.atoms.count; i++) {
		struct atom *atom = diff->original.atoms.items[i];

		if (!atom->base || atom->pair || is_table(atom))
			continue;
		if (name_table_add(left, atom->base, atom) < 0)
			return ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < diff->patched.atoms.count; i++) {
		struct atom *atom = diff->patched.atoms.items[i];

		if (!atom->base || atom->pair || atom->section->class == CLASS_RODATA)
			continue;
		const struct name_entry *entry = name_table_find(left, atom->base);
		atom->unclear = entry != NULL;
		for (size_t k = 0; entry && k < entry->items.count; k++)
			((struct atom *)entry->items.items[k])->unclear = true;
	}
	return 0;
}

int diff_pair(struct diff *diff)
{
	int e = pair_names(diff);

	if (e == 0)
		e = pair_function_bases(diff);
	if (e < 0)
		return e;
	pair_cold_parts(diff);
	e = pair_numbered(diff);
	if (e == 0)
		e = pair_tables(diff);
	if (e == 0) /* tables may have brought new users */
		e = pair_numbered(diff);
	return e < 0 ? e : mark_unclear(diff);
}
