/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static locals that macros and the compiler make for one use, not for the state of a program. A
 * new copy of them is as good as the kernel's own, and their numbers mean nothing. They are known
 * by what they are (section, size, how code uses them); the name alone proves nothing, since a
 * programmer may choose it too.
 */
#include "build/diff/atom_internal.h"

/* How code uses a variable. */
enum use {
	ANY_USE,
	ONLY_ACCESS,  /* read and written in place; nobody has its address */
	ONLY_ADDRESS, /* only its address is passed on */
};

struct rule {
	const char *base; /* the name without its number; NULL: any */
	const char *section;
	uint64_t size; /* in bytes; 0: any */
	enum use use;
};

/*
 * include/linux: once_lite.h, printk.h and bug.h (flags), dynamic_debug.h, ratelimit.h,
 * lockdep_types.h (empty without lockdep), tracepoint.h. `___done` of DO_ONCE() is none of these:
 * what it guards must not happen twice, and its address goes to __do_once_start().
 */
static const struct rule rules[] = {
	{ NULL, ".data.once", 1, ONLY_ACCESS },
	{ NULL, ".data..once", 1, ONLY_ACCESS }, /* since 6.13 */
	{ "__warned", ".data.unlikely", 1, ONLY_ACCESS },
	{ "__print_once", ".data..read_mostly", 1, ONLY_ACCESS },
	{ NULL, "__dyndbg", 0, ANY_USE },
	{ NULL, "__verbose", 0, ANY_USE }, /* its name before 5.9 */
	{ NULL, "__tracepoint_str", 0, ANY_USE },
	{ "_rs", ".data*", 0, ONLY_ADDRESS },
	{ "__key", ".bss*", 0, ONLY_ADDRESS },
	{ "__key", ".data*", 0, ONLY_ADDRESS },
};

/* Read-only and made anew for each function: a copy is always the same. */
static const char *const constants[] = {
	"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__", "__msg", "____fmt", "_entry", "CSWTCH",
	"C", /* tables that the compiler makes */
};

static bool matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	return pattern[len - 1] == '*' ? strncmp(pattern, name, len - 1) == 0
				       : streq(pattern, name);
}

static bool fits(const struct rule *rule, const struct atom *atom)
{
	if ((rule->base && !streq(rule->base, atom->base)) ||
	    !matches(rule->section, atom->section->elf->name) ||
	    (rule->size && rule->size != atom->end - atom->start))
		return false;
	switch (rule->use) {
	case ONLY_ACCESS: return !atom->taken;
	case ONLY_ADDRESS: return !atom->accessed;
	case ANY_USE: return true;
	}
	return false;
}

static bool is_copyable(const struct atom *atom)
{
	if (atom->kind != ATOM_DATA || !atom->base)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (fits(&rules[i], atom))
			return true;
	if (atom->section->class != CLASS_RODATA)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (streq(constants[i], atom->base))
			return true;
	return false;
}

static void note_uses(struct atom_section *s)
{
	bool code = s->class == CLASS_TEXT || s->class == CLASS_INIT_TEXT;

	for (size_t i = 0; i < s->refs.count; i++) {
		struct atom *target = s->refs.items[i].target;

		if (!target || target->kind != ATOM_DATA)
			continue;
		if (code && s->refs.items[i].plain)
			target->accessed = true;
		else
			target->taken = true;
	}
}

void atom_find_copies(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->section_count; i++)
		note_uses(&unit->sections[i]);
	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (!is_copyable(atom))
			continue;
		atom->kind = ATOM_CONTENT;
		atom->base = NULL;
	}
}
