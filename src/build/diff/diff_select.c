/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the extracted object must hold: from changed and new functions along their references.
 * What exists in the running kernel stays there; what cannot be told is a reason to refuse.
 */
#include <inttypes.h>

#include "build/diff/diff_internal.h"

static int keep(struct diff *diff, struct atom *atom)
{
	if (atom->kept)
		return 0;
	atom->kept = true;
	int e = VEC_PUSH(&diff->kept, atom);
	if (e == 0 && atom->cold)
		e = keep(diff, atom->cold);
	if (e == 0 && atom->parent)
		e = keep(diff, atom->parent);
	return e;
}

/* A name for messages: the function, or what else holds the reference. */
static const char *user_name(const struct atom *by)
{
	return by->parent ? by->parent->name : by->name;
}

static bool layout_same(struct atom_section *s)
{
	const struct atom *first = s->atoms.items[0]->pair;

	if (!first || first->section->atoms.count != s->atoms.count)
		return false;
	for (size_t i = 0; i < s->atoms.count; i++) {
		const struct atom *a = s->atoms.items[i], *b = first->section->atoms.items[i];
		if (a->pair != b || a->start != b->start || a->end != b->end)
			return false;
	}
	return true;
}

static bool layout_is_same(struct atom_section *s)
{
	if (s->layout == LAYOUT_UNKNOWN)
		s->layout = layout_same(s) ? LAYOUT_SAME : LAYOUT_DIFFERENT;
	return s->layout == LAYOUT_SAME;
}

/* Does `by` refer to `what`? Its targets are marked once for many questions. */
static bool uses(struct diff *diff, const struct atom *by, const struct atom *what)
{
	if (diff->uses != by) {
		diff->uses = by;
		diff->stamp++;
		for (size_t i = 0; i < by->ref_count; i++)
			if (by->refs[i].target)
				by->refs[i].target->stamp = diff->stamp;
	}
	return what->stamp == diff->stamp;
}

/*
 * Variables with a section attribute share a section (.data..read_mostly). There, a reference
 * "behind a" and one "to b" look alike, as do "before b" and "inside a". It makes no difference as
 * long as the section looks as it did; otherwise only a clear one is taken.
 */
static bool is_certain(struct diff *diff, const struct atom *by, const struct ref *ref)
{
	const struct atom *target = ref->target;
	struct atom_section *s = target->section;

	if (s->atoms.count == 1 || layout_is_same(s))
		return true;
	if (ref->position < (int64_t)target->start || ref->position >= (int64_t)target->end)
		return ref->position == (int64_t)target->start;
	if (ref->plain || !atom_is_code(by))
		return true;
	if (ref->position != (int64_t)target->start)
		return false;
	const struct atom *before = atom_at(s, ref->position - 1);
	return !before || before == target || !uses(diff, by, before);
}

/* How many static variables of that name a function uses. */
static size_t count_namesakes(struct diff *diff, const struct atom *by, const struct atom *target)
{
	size_t n = 0;

	diff->uses = NULL;
	diff->stamp++;
	for (const struct atom *part = by; part; part = part == by ? by->cold : NULL)
		for (size_t i = 0; i < part->ref_count; i++) {
			struct atom *other = part->refs[i].target;

			if (!other || !other->base || other->stamp == diff->stamp ||
			    !streq(other->base, target->base))
				continue;
			other->stamp = diff->stamp;
			n++;
		}
	return n;
}

static int refuse_unclear(struct diff *diff, const struct atom *by, const struct atom *target)
{
	const struct atom *owner = atom_owner((struct atom *)by);
	size_t n = target->base ? count_namesakes(diff, owner, target) : 0;

	if (n < 2)
		return diff_refuse(diff, REASON_STATIC_LOCAL_UNCLEAR, owner->name,
				   "%s uses %s, and which variable of the running kernel that is "
				   "cannot be told for certain",
				   owner->name, target->name);
	return diff_advise(diff, REASON_STATIC_LOCAL_UNCLEAR, owner->name,
			   "give the new variable a name of its own, and leave the lines that "
			   "declare the others as they are",
			   "%s has %zu static variables called %s, and which of the running "
			   "kernel's %s is cannot be told: %s",
			   owner->name, n, target->base, target->name,
			   target->line
				   ? "no single one is declared in the same line and used alike"
				   : "without debugging data, nobody knows their declarations");
}

static int need_data(struct diff *diff, struct atom *by, const struct ref *ref)
{
	struct atom *target = ref->target;

	if (atom_is_init(target))
		return diff_refuse(diff, REASON_INIT_REFERENCE, user_name(by),
				   "%s needs %s, which the kernel frees after start", user_name(by),
				   target->name);
	if (target->unclear || (target->tentative && !target->confirmed))
		return refuse_unclear(diff, by, target);
	if (!is_certain(diff, by, ref))
		return diff_refuse(
			diff, REASON_UNKNOWN_REFERENCE, user_name(by),
			"%s refers to section %s near %s, and the change moved things there",
			user_name(by), target->section->elf->name, target->name);
	return target->pair ? 0 : keep(diff, target);
}

static int need_function(struct diff *diff, struct atom *by, const struct ref *ref)
{
	struct atom *target = ref->target;
	bool own = atom_owner(target) == atom_owner(by) || target->kept;

	if (atom_is_init(target) && !own)
		return diff_refuse(diff, REASON_INIT_REFERENCE, user_name(by),
				   "%s refers to %s, which the kernel frees after start",
				   user_name(by), target->name);
	if (!ref->rela && ref->width != 4)
		return diff_refuse(diff, REASON_UNKNOWN_REFERENCE, user_name(by),
				   "%s jumps to %s with a short branch that cannot be moved",
				   user_name(by), target->name);
	if (own)
		return 0;
	if (!target->pair || ref->position != (int64_t)target->entry)
		return diff_refuse(diff, REASON_UNKNOWN_REFERENCE, user_name(by),
				   "%s refers to a place inside %s, which is not replaced",
				   user_name(by), target->name);
	return 0;
}

static int need_outside(struct diff *diff, struct atom *by, const struct ref *ref)
{
	const struct elf_symbol *sym = ref->symbol;

	if (sym && *sym->name && sym->shndx == SHN_UNDEF)
		return 0;
	if (sym && *sym->name && sym->shndx == SHN_COMMON) {
		const struct elf_symbol *old = elf_object_symbol(diff->original.object, sym->name);
		if (old && old->shndx == SHN_COMMON && old->size == sym->size)
			return 0; /* the kernel has it */
		return diff_advise(diff, REASON_UNKNOWN_REFERENCE, user_name(by),
				   "compile with -fno-common, as the kernel is",
				   "%s uses %s, a common symbol that is new or of another size",
				   user_name(by), sym->name);
	}
	return diff_refuse(diff, REASON_UNSUPPORTED_RELOC, user_name(by),
			   "%s refers to an absolute address", user_name(by));
}

/* A pc-relative field in an instruction that is not understood may point some bytes further. */
static bool is_vague(const struct ref *ref)
{
	bool relative = ref->type == R_X86_64_PC32 || ref->type == R_X86_64_PLT32;

	return ref->undecoded && relative && ref->section->atoms.count != 1;
}

static int need(struct diff *diff, struct atom *by, const struct ref *ref)
{
	if (ref->rela && (ref->width == 0 || (ref->undecoded && ref->type == R_X86_64_PC64)))
		return diff_refuse(diff, REASON_UNSUPPORTED_RELOC, user_name(by),
				   "%s has a relocation of type %u at offset 0x%" PRIx64,
				   user_name(by), ref->type, ref->offset - by->start);
	if (!ref->section)
		return need_outside(diff, by, ref);
	if (!ref->target || is_vague(ref))
		return diff_refuse(diff, REASON_UNKNOWN_REFERENCE, user_name(by),
				   "%s refers to section %s at offset %" PRId64
				   ", where nothing is known to be",
				   user_name(by), ref->section->elf->name, ref->position);
	switch (ref->target->kind) {
	case ATOM_FUNCTION: return need_function(diff, by, ref);
	case ATOM_DATA: return need_data(diff, by, ref);
	case ATOM_CONTENT: return keep(diff, ref->target);
	}
	return 0;
}

static int need_all(struct diff *diff, struct atom *atom)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < atom->ref_count; i++)
		e = need(diff, atom, &atom->refs[i]);
	for (size_t i = 0; e == 0 && i < atom->entries.count; i++) {
		const struct special_entry *entry = atom->entries.items[i];

		if (!entry->section->special->carried)
			continue;
		for (size_t k = 0; e == 0 && k < entry->ref_count; k++)
			e = need(diff, atom, &entry->refs[k]);
	}
	return e;
}

/* A pointer to the start of a function is data like any other: the function can still be called
 * there. Anything else is a place that the kernel may change or jump to. */
static bool is_pointer(const struct ref *ref)
{
	return ref->type == R_X86_64_64 && ref->target->kind == ATOM_FUNCTION &&
	       ref->position == (int64_t)ref->target->entry;
}

static int refuse_section(struct diff *diff, const struct atom_section *s, const struct ref *ref)
{
	const char *user = user_name(ref->target), *advice = section_advice(s->elf->name);

	if (s->class == CLASS_REFUSED)
		return diff_advise(diff, REASON_UNSUPPORTED_SECTION, user, advice,
				   "%s uses a runtime constant (%s), which the kernel sets "
				   "for itself only, not in modules",
				   user, s->elf->name);
	return diff_refuse(diff, REASON_UNSUPPORTED_SECTION, user,
			   "section %s marks a place in %s, and what the kernel does there is not "
			   "known here",
			   s->elf->name, user);
}

/* Sections that cannot go into a module, if they say something about a kept function. */
static int check_refused_sections(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->patched.section_count; i++) {
		const struct atom_section *s = &diff->patched.sections[i];

		if (s->class != CLASS_REFUSED && s->class != CLASS_UNKNOWN)
			continue;
		for (size_t k = 0; e == 0 && k < s->refs.count; k++) {
			const struct ref *ref = &s->refs.items[k];
			if (ref->target && ref->target->kept && atom_is_code(ref->target) &&
			    !is_pointer(ref))
				e = refuse_section(diff, s, ref);
		}
	}
	return e;
}

/*
 * Objects that have been through objtool: their unwind table begins anew at each section, but not
 * at each function, so that only a whole section can be taken.
 */
static int check_unwind_table(struct diff *diff)
{
	const struct elf_section *orc = elf_object_section(diff->patched.object, ".orc_unwind_ip");
	int e = 0;

	if (orc && ((const struct atom_section *)orc->user)->class != CLASS_SPECIAL)
		return 0;

	for (size_t i = 0; e == 0 && orc && i < diff->kept.count; i++) {
		const struct atom *atom = diff->kept.items[i];
		if (atom->kind == ATOM_FUNCTION && atom->section->atoms.count > 1)
			e = diff_refuse(diff, REASON_UNSUPPORTED_SECTION, user_name(atom),
					"%s shares section %s with other functions, and its part "
					"of %s cannot be told from theirs: compile with "
					"-ffunction-sections",
					user_name(atom), atom->section->elf->name, orc->name);
	}
	return e;
}

/* Other patched files may use a new function or variable that is global. */
static bool is_wanted(const struct atom *atom)
{
	bool mine = atom->kind == ATOM_FUNCTION && (atom->changed || !atom->pair);
	bool shared = atom->kind == ATOM_DATA && !atom->pair && atom->symbol &&
		      atom->symbol->binding != STB_LOCAL && !section_is_table(atom->section->class);

	return (mine || shared) && !atom_is_init(atom) && !atom->parent;
}

int diff_select(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->patched.atoms.count; i++)
		if (is_wanted(diff->patched.atoms.items[i]))
			e = keep(diff, diff->patched.atoms.items[i]);
	for (size_t i = 0; e == 0 && i < diff->kept.count; i++)
		e = need_all(diff, diff->kept.items[i]);
	if (e == 0 && diff->kept.count > 0)
		e = check_refused_sections(diff);
	if (e == 0 && diff->kept.count > 0)
		e = check_unwind_table(diff);
	return e;
}
