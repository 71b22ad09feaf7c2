/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of special sections, each given to the function it belongs to. */
#include "build/diff/atom_internal.h"

/* An alternative without replacement points to nothing; make it point to its function. */
static int settle_empty_replacement(struct atom_set *unit, const struct special_sizes *sizes,
				    const struct special_entry *entry)
{
	const struct atom_section *s = entry->section;
	const uint8_t *data = s->elf->data + entry->offset;
	struct atom *owner = entry->refs[0].target;
	int length = special_replacement_length(s->special, sizes, entry->size);

	if (length < 0 || entry->ref_count < 2 || data[length] != 0 || !owner->symbol)
		return 0;
	struct ref *ref = &entry->refs[1];
	struct elf_rela *rela = arena_memdup(unit->arena, ref->rela, sizeof(*rela));
	if (!rela)
		return ERR_NO_MEMORY;
	rela->symbol = ref->symbol = owner->symbol;
	rela->addend = 0;
	ref->rela = rela;
	ref->section = owner->section;
	ref->position = (int64_t)owner->symbol->value;
	ref->target = owner;
	return 0;
}

/* The code that an entry is about, or NULL. The end of a section's code belongs to what is last
 * there. */
static struct atom *owner_of(const struct atom_section *s, const struct special_entry *entry)
{
	struct ref *first = entry->ref_count > 0 ? entry->refs : NULL;

	if (!first || first->offset != entry->offset || !first->section)
		return NULL;
	const struct atom_section *code = first->section;
	if (!first->target && s->special->ends && code->atoms.count > 0 &&
	    first->position == (int64_t)code->elf->size)
		first->target = code->atoms.items[code->atoms.count - 1];
	return first->target && atom_is_code(first->target) ? first->target : NULL;
}

/* Finds the references of the `i`th entry, and its function. */
static int read_entry(struct atom_set *unit, const struct special_sizes *sizes,
		      struct atom_section *s, size_t i, struct error *err)
{
	struct special_entry *entry = &s->entries[i];
	struct ref *refs = s->refs.items;
	size_t from = i ? (size_t)(s->entries[i - 1].refs - refs) + s->entries[i - 1].ref_count : 0;

	entry->section = s;
	entry->offset = (uint64_t)i * s->entry_size;
	entry->size = s->entry_size;
	entry->refs = refs + from;
	while (from + entry->ref_count < s->refs.count &&
	       refs[from + entry->ref_count].offset < entry->offset + entry->size)
		entry->ref_count++;
	entry->owner = owner_of(s, entry);
	if (entry->owner) {
		int e = settle_empty_replacement(unit, sizes, entry);
		return e < 0 ? e : VEC_PUSH(&entry->owner->entries, entry);
	}
	if (!s->special->compared)
		return 0; /* about nothing that is looked at */
	return error_set(err, ERR_INVALID,
			 "%s: entry %zu of %s does not begin with a place in code", unit->name, i,
			 s->elf->name);
}

static int read_section(struct atom_set *unit, const struct special_sizes *sizes,
			struct atom_section *s, struct error *err)
{
	s->loose_size = special_loose(s->special, sizes, s->entry_size, &s->loose_at);
	s->entry_count = s->elf->size / s->entry_size;
	s->entries = arena_alloc(unit->arena, s->entry_count, sizeof(*s->entries));
	if (!s->entries)
		return ERR_NO_MEMORY;
	for (size_t k = 0; k < s->entry_count; k++) {
		int e = read_entry(unit, sizes, s, k, err);
		if (e < 0)
			return e;
	}
	return 0;
}

/* A table without references is a second column of another one. */
static int follow_section(struct atom_set *unit, struct atom_section *s, struct error *err)
{
	const struct elf_section *elf = elf_object_section(unit->object, s->special->follows);
	const struct atom_section *first = elf ? elf->user : NULL;
	uint64_t count = first ? first->entry_count : 0;

	if (count == 0 || s->elf->size % count || s->elf->size / count > UINT16_MAX ||
	    !s->elf->data || (s->entry_size && s->entry_size != s->elf->size / count))
		return error_set(err, ERR_INVALID,
				 "%s: the entries of %s do not go with those of %s", unit->name,
				 s->elf->name, s->special->follows);
	s->entry_count = count;
	s->entry_size = (uint32_t)(s->elf->size / count);
	s->entries = arena_alloc(unit->arena, s->entry_count, sizeof(*s->entries));
	if (!s->entries)
		return ERR_NO_MEMORY;
	for (size_t k = 0; k < s->entry_count; k++)
		s->entries[k] = (struct special_entry){
			.section = s,
			.offset = (uint64_t)k * s->entry_size,
			.size = s->entry_size,
			.owner = first->entries[k].owner,
		};
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct special_entry *x = *(struct special_entry *const *)a;
	const struct special_entry *y = *(struct special_entry *const *)b;
	int c = strcmp(x->section->elf->name, y->section->elf->name);

	if (c != 0)
		return c;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void sort_entries(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (atom->entries.count > 1)
			qsort(atom->entries.items, atom->entries.count,
			      sizeof(struct special_entry *), compare_entries);
	}
}

int atom_read_entries(struct atom_set *unit, const struct special_sizes *sizes, struct error *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];
		if (s->class == CLASS_SPECIAL && !s->special->follows && s->refs.count > 0)
			e = read_section(unit, sizes, s, err);
	}
	for (size_t i = 0; e == 0 && i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];
		if (s->class == CLASS_SPECIAL && s->special->follows && !s->special->whole &&
		    s->elf->size > 0)
			e = follow_section(unit, s, err);
	}
	if (e == 0)
		sort_entries(unit);
	return e;
}
