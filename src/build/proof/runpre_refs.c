/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What relocated fields refer to: in the rebuilt object, and in the shipped one. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "build/proof/runpre_internal.h"

/* Constants without a name that refer to constants without a name. */
#define DEPTH_MAX 8

bool runpre_differs(struct runpre_check *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->why, sizeof(c->why), format, ap);
	va_end(ap);
	return false;
}

static bool out_of_memory(struct runpre_check *c)
{
	c->no_memory = true;
	return runpre_differs(c, "out of memory");
}

bool runpre_where(const struct runpre *runpre, const char *name, uint64_t *ret_address)
{
	const struct name_entry *entry = name_table_find(runpre->known, name);

	if (entry)
		*ret_address = ((const struct runpre_known *)entry->items.items[0])->address;
	return entry;
}

bool runpre_learn(struct runpre_check *c, const char *name, uint64_t address)
{
	struct runpre_known known = { name, address };
	uint64_t before;

	if (runpre_where(c->out, name, &before))
		return before == address;
	for (size_t i = 0; i < c->trial.known.count; i++)
		if (streq(c->trial.known.items[i].name, name))
			return c->trial.known.items[i].address == address;
	if (VEC_PUSH(&c->trial.known, known) < 0)
		c->no_memory = true;
	return true;
}

void runpre_trial_drop(struct runpre_check *c)
{
	c->trial.known.count = 0;
	c->trial.placed.count = 0;
}

void runpre_trial_keep(struct runpre_check *c)
{
	struct arena *arena = c->out->arena;

	for (size_t i = 0; i < c->trial.known.count; i++) {
		const struct runpre_known *from = &c->trial.known.items[i];
		struct runpre_known *known = arena_new_object(arena, struct runpre_known);
		uint64_t unused;

		if (runpre_where(c->out, from->name, &unused))
			continue;
		if (known)
			*known = (struct runpre_known){ arena_strdup(arena, from->name),
							from->address };
		if (!known || !known->name || name_table_add(c->out->known, known->name, known) < 0)
			c->no_memory = true;
	}
	for (size_t i = 0; i < c->trial.placed.count; i++)
		c->trial.placed.items[i].section->placed = c->trial.placed.items[i];
	runpre_trial_drop(c);
}

/* Is it one of the shipped symbols of that name? Another file's local one is not meant by a
 * reference across files, unless nothing else can be: the last link makes some global ones local.
 */
static bool is_symbol(const struct shipped *s, const char *name, uint64_t address, bool outside)
{
	size_t n = shipped_matches(s, name);
	struct shipped_symbol y;
	bool found = false, global = false, is_global = false;

	for (size_t pos = 1; pos <= n; pos++) {
		if (!shipped_find(s, name, pos, &y))
			continue;
		global |= y.global;
		if (y.address == address) {
			found = true;
			is_global |= y.global;
		}
	}
	return found && (!outside || is_global || !global);
}

/* A symbol of another file, or one that another file may override. */
static bool same_outside(struct runpre_check *c, const char *name,
			 const struct shipped_target *target)
{
	if (target->import)
		return streq(target->import, name) ||
		       runpre_differs(c, "it refers to %s, not to %s", target->import, name);
	if (shipped_matches(c->shipped, name) == 0)
		return runpre_differs(c, "it refers to %s, which is not in the symbol table of %s",
				      name, shipped_object(c->shipped));
	if (!is_symbol(c->shipped, name, target->address, true))
		return runpre_differs(c, "it refers to something other than %s", name);
	return runpre_learn(c, name, target->address) ||
	       runpre_differs(c, "its references to %s do not agree", name);
}

bool runpre_same_bytes(struct runpre_check *c, const struct elf_section *section, uint64_t offset,
		       uint64_t size, uint64_t address)
{
	const uint8_t *ours = section->data + offset;
	const uint8_t *theirs = shipped_bytes(c->shipped, address, size);
	_cleanup_free_ uint8_t *map = calloc(1, size + 1);

	if (!map)
		return out_of_memory(c);
	c->difference = size;
	if (!theirs)
		return false;
	sites_mark(&c->object->sites, section, offset, size, true, map);
	for (uint64_t i = 0; i < size; i++)
		if (!map[i] && ours[i] != theirs[i]) {
			c->difference = i;
			return false;
		}
	return true;
}

/* The string at the same place has the same characters, up to its end. */
static bool same_string(struct runpre_check *c, const struct elf_section *s, int64_t position,
			uint64_t address)
{
	uint64_t unit = MAX(s->entsize, 1U);

	for (uint64_t at = (uint64_t)position; at + unit <= s->size; at += unit) {
		const uint8_t *ours = s->data + at;
		const uint8_t *theirs =
			shipped_bytes(c->shipped, address + (at - (uint64_t)position), unit);
		bool end = true;

		if (!theirs || memcmp(ours, theirs, unit) != 0)
			return runpre_differs(c, "the string \"%.40s\" has another text in %s",
					      unit == 1 ? (const char *)s->data + position : "…",
					      shipped_object(c->shipped));
		for (uint64_t i = 0; i < unit; i++)
			end &= ours[i] == 0;
		if (end)
			return true;
	}
	return runpre_differs(c, "a string of section %s has no end", s->name);
}

static bool same_merged(struct runpre_check *c, const struct runpre_ref *ref,
			const struct elf_section *s, int64_t position, uint64_t address)
{
	if (ref->unclear)
		return runpre_differs(c, "an instruction that is not known refers to %s", s->name);
	if (position < 0 || (uint64_t)position >= s->size || !s->data)
		return runpre_differs(c, "it refers to a place outside of %s", s->name);
	if (s->flags & SHF_STRINGS)
		return same_string(c, s, position, address);

	uint64_t unit = MAX(s->entsize, 1U), inside = (uint64_t)position % unit;
	uint64_t start = (uint64_t)position - inside;
	const uint8_t *theirs = shipped_bytes(c->shipped, address - inside, unit);

	if (unit > s->size - start || !theirs || memcmp(s->data + start, theirs, unit) != 0)
		return runpre_differs(c, "a constant of %" PRIu64 " bytes has another value", unit);
	return true;
}

/* Every named symbol of a section must be where the section is. */
static bool names_agree(struct runpre_check *c, struct runpre_placed *p)
{
	for (size_t i = 0; i < p->section->names.count; i++) {
		const struct elf_symbol *y = p->section->names.items[i];

		if (y->binding == STB_WEAK || shipped_matches(c->shipped, y->name) == 0)
			continue;
		if (!is_symbol(c->shipped, y->name, p->base + y->value, false))
			return runpre_differs(c, "it refers to another place than %s", y->name);
		if (!runpre_learn(c, y->name, p->base + y->value))
			return runpre_differs(c, "its references to %s do not agree", y->name);
		p->vouched = true;
	}
	return true;
}

bool runpre_place(struct runpre_check *c, const struct elf_symbol *y, uint64_t base,
		  bool *ret_vouched)
{
	struct runpre_section *s = y->section->user;
	struct runpre_placed placed = { s, base, false };
	const struct runpre_placed *before = s->placed.section ? &s->placed : NULL;

	for (size_t i = 0; !before && i < c->trial.placed.count; i++)
		if (c->trial.placed.items[i].section == s)
			before = &c->trial.placed.items[i];
	if (before && before->base != base)
		return runpre_differs(c, "its references to %s do not agree",
				      runpre_is_named(y) ? y->name : s->elf->name);
	if (before) {
		*ret_vouched = before->vouched;
		return true;
	}
	if (!names_agree(c, &placed))
		return false;
	*ret_vouched = placed.vouched;
	return VEC_PUSH(&c->trial.placed, placed) == 0 || out_of_memory(c);
}

/* What lies around a position: the variable, or what has no name from the last place where
 * something begins to the next one. */
static void thing_at(const struct runpre_section *s, uint64_t position, uint64_t *ret_start,
		     uint64_t *ret_end)
{
	for (size_t i = 0; i < s->names.count; i++) {
		const struct elf_symbol *y = s->names.items[i];

		if (position >= y->value && position - y->value < y->size &&
		    y->size <= s->elf->size - y->value) {
			*ret_start = y->value;
			*ret_end = y->value + y->size;
			return;
		}
	}
	*ret_start = 0;
	*ret_end = s->elf->size;
	for (size_t i = 0; i < s->cuts.count; i++) {
		if (s->cuts.items[i] > position) {
			*ret_end = s->cuts.items[i];
			return;
		}
		*ret_start = s->cuts.items[i];
	}
}

/* Sections whose bytes the last steps of the kernel's build fill in. */
static bool is_filled_in_later(const struct elf_section *s)
{
	return str_has_prefix(s->name, ".BTF_ids");
}

static const char *name_at(const struct runpre_section *s, uint64_t start)
{
	for (size_t i = 0; i < s->names.count; i++)
		if (s->names.items[i]->value == start)
			return s->names.items[i]->name;
	return NULL;
}

/* Variables and constants, by their first content; a zeroed one can only be known by its name. */
static bool same_data(struct runpre_check *c, const struct runpre_section *s, int64_t position,
		      uint64_t base, bool vouched, unsigned depth)
{
	const struct elf_section *elf = s->elf;
	uint64_t start, end;

	if (!elf->data || is_filled_in_later(elf))
		return vouched ||
		       runpre_differs(c, "nothing tells whether it refers to %s", elf->name);
	if (position < 0 || (uint64_t)position >= elf->size)
		position = position < 0 || elf->size == 0 ? 0 : (int64_t)elf->size - 1;
	thing_at(s, (uint64_t)position, &start, &end);

	const char *name = name_at(s, start);

	if (!runpre_same_bytes(c, elf, start, end - start, base + start))
		return runpre_differs(c, "%s%s has another content in %s",
				      name ? name : "what it refers to in section ",
				      name ? "" : elf->name, shipped_object(c->shipped));
	if (vouched && depth > 0)
		return true;
	if (depth >= DEPTH_MAX)
		return runpre_differs(c, "constants of %s refer to each other too deeply",
				      elf->name);
	return runpre_same_references(c, elf, start, end - start, base + start, depth + 1);
}

/* A function, by its name; where that is not enough, by its code. */
static bool same_function(struct runpre_check *c, const struct runpre_section *s, int64_t position,
			  uint64_t base, unsigned depth)
{
	uint64_t start, end;

	for (size_t i = 0; i < s->names.count; i++) {
		const struct elf_symbol *y = s->names.items[i];

		if (position < (int64_t)y->value || position >= (int64_t)(y->value + y->size))
			continue;
		if (shipped_matches(c->shipped, y->name) == 1 && y->binding != STB_WEAK)
			return true;
		if (!runpre_same_bytes(c, s->elf, y->value, y->size, base + y->value))
			return runpre_differs(c, "%s is not where it refers to", y->name);
		/* What functions further on refer to is for their own comparison. */
		return depth > 0 || runpre_same_references(c, s->elf, y->value, y->size,
							   base + y->value, depth + 1);
	}
	if (position < 0 || (uint64_t)position >= s->elf->size || depth >= DEPTH_MAX)
		return runpre_differs(c, "it refers to a place outside of %s", s->elf->name);
	/* A snippet for alternatives (.altinstr_aux). */
	thing_at(s, (uint64_t)position, &start, &end);
	if (!runpre_same_bytes(c, s->elf, start, end - start, base + start))
		return runpre_differs(c, "what it refers to in section %s is other code",
				      s->elf->name);
	return runpre_same_references(c, s->elf, start, end - start, base + start, depth + 1);
}

/* Something of the unit itself. */
static bool same_inside(struct runpre_check *c, const struct runpre_ref *ref, uint64_t address,
			unsigned depth)
{
	const struct elf_symbol *y = ref->rela->symbol;
	struct runpre_section *s = y->section->user;
	int64_t position = (int64_t)y->value + ref->position;
	uint64_t base = address - y->value;
	bool vouched = false;

	if (s->elf->flags & SHF_MERGE)
		return same_merged(c, ref, s->elf, position, address + (uint64_t)ref->position);
	if (!runpre_place(c, y, base, &vouched))
		return false;
	return s->elf->flags & SHF_EXECINSTR ? same_function(c, s, position, base, depth)
					     : same_data(c, s, position, base, vouched, depth);
}

static bool same_reference(struct runpre_check *c, const struct runpre_ref *ref, uint64_t place_at,
			   unsigned depth)
{
	const struct elf_rela *rela = ref->rela;
	const struct elf_symbol *y = rela->symbol;
	struct shipped_target target;

	if (!y || rela->type == R_X86_64_NONE)
		return true;
	if (!shipped_field(c->shipped, place_at, rela->type, rela->addend, &target))
		return runpre_differs(c, "it has no reference where the rebuilt one refers to %s",
				      runpre_is_named(y) ? y->name
				      : y->section       ? y->section->name
							 : "a symbol");
	if (!y->section || y->binding == STB_WEAK)
		return same_outside(c, y->name, &target);
	if (target.import)
		return runpre_differs(c, "it refers to %s of another object, not to %s",
				      target.import,
				      runpre_is_named(y) ? y->name : y->section->name);
	return same_inside(c, ref, target.address, depth);
}

bool runpre_same_references(struct runpre_check *c, const struct elf_section *section,
			    uint64_t offset, uint64_t size, uint64_t address, unsigned depth)
{
	const struct runpre_section *s = section->user;

	for (size_t i = 0; i < s->ref_count; i++) {
		const struct runpre_ref *ref = &s->refs[i];
		uint64_t at = ref->rela->offset;

		if (at < offset)
			continue;
		if (at - offset >= size)
			break;
		if (!sites_rewritten(&c->object->sites, section, at) &&
		    !same_reference(c, ref, address + (at - offset), depth))
			return false;
	}
	return true;
}
