/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which thing of the patched object is which of the original: by name, then by scope, file,
 * content and position, each step only for what the steps before left over.
 *
 * For functions any one-to-one pairing is safe: a caller that means another one differs, too, and
 * is replaced with it. So a poor choice costs a replaced function, not a wrong one. For variables
 * it is not, so what only their order tells is marked as tentative. Numbered variables (static
 * locals) are for diff_locals.c.
 */
#include <inttypes.h>

#include "build/diff/diff_internal.h"

void diff_set_pair(struct atom *a, struct atom *b, enum pair_by by)
{
	a->pair = b;
	b->pair = a;
	a->paired_by = b->paired_by = by;
}

/* Things that names can pair: cold parts follow their functions, contents have no identity. */
static bool is_nameable(const struct atom *atom)
{
	return atom && !atom->pair && atom->symbol && atom->kind != ATOM_CONTENT && !atom->parent &&
	       !atom->base;
}

static bool is_local(const struct atom *atom)
{
	return atom->symbol->binding == STB_LOCAL;
}

/* One step: atoms that have the same key are the same thing. */
struct step {
	enum pair_by by;
	/* The key of an atom, in the arena; NULL without memory, "" if the step is not for it. */
	const char *(*key)(struct diff *diff, const struct atom *atom);
	bool in_order; /* several of one key: the first with the first. Else only single ones */
};

static const char *name_key(struct diff *diff, const struct atom *atom)
{
	(void)diff;
	return atom->name;
}

static const char *scope_key(struct diff *diff, const struct atom *atom)
{
	return arena_printf(diff->arena, "%s %d %d", atom->name, is_local(atom),
			    (int)atom->section->class);
}

static const char *file_of(const struct atom *atom)
{
	return atom->symbol->file ? atom->symbol->file : "";
}

static const char *file_key(struct diff *diff, const struct atom *atom)
{
	return arena_printf(diff->arena, "%s %d %d %s", atom->name, is_local(atom),
			    (int)atom->section->class, file_of(atom));
}

static const char *content_key(struct diff *diff, const struct atom *atom)
{
	return arena_printf(diff->arena, "%s %s %" PRIx64, atom->name, file_of(atom),
			    diff_fingerprint(atom));
}

/* A function that the compiler made from another: its number says little, its content much. */
static const char *clone_key(struct diff *diff, const struct atom *atom)
{
	if (atom->kind != ATOM_FUNCTION || !strchr(atom->name, '.'))
		return "";
	const char *base = name_base(diff->arena, atom->name);
	return base ? arena_printf(diff->arena, "%s %" PRIx64, base, diff_fingerprint(atom)) : NULL;
}

/* `f.isra.0` of one build may be `f` or `f.constprop.0` of the other; a global `f` stays `f`. */
static const char *base_key(struct diff *diff, const struct atom *atom)
{
	if (atom->kind != ATOM_FUNCTION || !is_local(atom))
		return "";
	const char *base = name_base(diff->arena, atom->name);
	return base ? arena_printf(diff->arena, "%s %s", base, file_of(atom)) : NULL;
}

static const struct step steps[] = {
	{ PAIR_BY_CONTENT, clone_key, false },   { PAIR_BY_NAME, name_key, false },
	{ PAIR_BY_SCOPE, scope_key, false },     { PAIR_BY_FILE, file_key, false },
	{ PAIR_BY_CONTENT, content_key, false }, { PAIR_BY_POSITION, file_key, true },
	{ PAIR_BY_BASE, base_key, false },       { PAIR_BY_POSITION, base_key, true },
};

static int add_key(struct diff *diff, const struct step *step, struct name_table *table,
		   struct atom *atom)
{
	const char *key = step->key(diff, atom);

	if (!key)
		return ERR_NO_MEMORY;
	return *key ? name_table_add(table, key, atom) : 0;
}

/* By name, aliases count too. */
static int add_aliases(struct atom_set *unit, struct name_table *table)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < unit->object->symbol_count; i++) {
		struct elf_symbol *sym = unit->object->symbols[i];

		if (is_nameable(sym->user))
			e = name_table_add(table, sym->name, sym->user);
	}
	return e;
}

static int add_keys(struct diff *diff, const struct step *step, struct atom_set *unit,
		    struct name_table *table)
{
	int e = 0;

	if (step->key == name_key)
		return add_aliases(unit, table);
	for (size_t i = 0; e == 0 && i < unit->atoms.count; i++)
		if (is_nameable(unit->atoms.items[i]))
			e = add_key(diff, step, table, unit->atoms.items[i]);
	return e;
}

/* The one atom of that key, or NULL when there are several. */
static struct atom *only(const struct name_entry *entry)
{
	for (size_t i = 1; i < entry->items.count; i++)
		if (entry->items.items[i] != entry->items.items[0])
			return NULL;
	return entry->items.items[0];
}

static void pair_two(struct atom *a, struct atom *b, enum pair_by by)
{
	if (!a || !b || a->pair || b->pair || a->kind != b->kind)
		return;
	diff_set_pair(a, b, by);
	if (by == PAIR_BY_POSITION && a->kind == ATOM_DATA)
		a->tentative = b->tentative = true;
}

struct stepping {
	const struct step *step;
	const struct name_table *originals;
};

static int pair_key(const struct name_entry *entry, void *user)
{
	const struct stepping *s = user;
	const struct name_entry *other = name_table_find(s->originals, entry->name);

	if (!other)
		return 0;
	if (!s->step->in_order)
		pair_two(only(other), only(entry), s->step->by);
	else
		for (size_t i = 0; i < MIN(other->items.count, entry->items.count); i++)
			pair_two(other->items.items[i], entry->items.items[i], s->step->by);
	return 0;
}

static int take_step(struct diff *diff, const struct step *step)
{
	_cleanup_name_table_ struct name_table *a = name_table_new(), *b = name_table_new();

	if (!a || !b)
		return ERR_NO_MEMORY;
	int e = add_keys(diff, step, &diff->original, a);
	if (e == 0)
		e = add_keys(diff, step, &diff->patched, b);
	struct stepping s = { .step = step, .originals = a };
	return e < 0 ? e : name_table_each(b, pair_key, &s);
}

static void pair_cold_parts(struct diff *diff)
{
	for (size_t i = 0; i < diff->original.atoms.count; i++) {
		struct atom *atom = diff->original.atoms.items[i];

		if (atom->cold && atom->pair && atom->pair->cold)
			diff_set_pair(atom->cold, atom->pair->cold, PAIR_BY_PARENT);
	}
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
		diff_set_pair(other->items.items[i], entry->items.items[i], PAIR_BY_POSITION);
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

int diff_pair(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(steps); i++)
		e = take_step(diff, &steps[i]);
	if (e < 0)
		return e;
	pair_cold_parts(diff);
	e = diff_pair_locals(diff);
	if (e == 0)
		e = pair_tables(diff);
	if (e == 0) /* tables may have brought new users */
		e = diff_pair_locals(diff);
	if (e == 0)
		e = diff_pair_moved_locals(diff);
	return e;
}
