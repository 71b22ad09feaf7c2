/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the differ decided about one function, and why, in words. */
#include <inttypes.h>
#include <stdio.h>

#include "build/diff/diff_internal.h"
#include "build/object/insn.h"
#include "build/object/scopes.h"

#define LINE_MAX_BYTES 4096
/* So many bytes of an instruction are shown, and so many names of a list. */
#define SHOWN_BYTES    15
#define SHOWN_NAMES    12

struct teller {
	struct diff *diff;
	struct diff_explanation *out;
	size_t holders; /* functions that it was inlined into */
	int e;          /* the first failure: nothing is added after it */
};

static _printf_(3, 4) void tell(struct teller *t, const char *topic, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	struct diff_fact fact = { .topic = topic, .text = arena_strdup(t->diff->arena, text) };
	if (t->e == 0)
		t->e = fact.text ? VEC_PUSH(&t->out->facts, fact) : ERR_NO_MEMORY;
}

static const char *pair_text(const struct atom *atom)
{
	switch (atom->paired_by) {
	case PAIR_NONE: break;
	case PAIR_BY_NAME: return "by name";
	case PAIR_BY_BASE: return "by name, without the compiler's suffix";
	case PAIR_BY_SCOPE: return "by name and scope (several have the name)";
	case PAIR_BY_FILE: return "by name, scope and source file";
	case PAIR_BY_CONTENT: return "by name and content";
	case PAIR_BY_POSITION: return "by name and position";
	case PAIR_BY_USER: return "by what refers to it";
	case PAIR_BY_PARENT: return "with its function";
	}
	return "not";
}

static const char *scope_text(const struct atom *atom)
{
	if (!atom->symbol)
		return "without a symbol";
	return atom->symbol->binding == STB_LOCAL  ? "static"
	       : atom->symbol->binding == STB_WEAK ? "weak"
						   : "global";
}

static void tell_pairing(struct teller *t, const struct atom *a, const struct atom *b)
{
	if (!a)
		tell(t, "paired", "with nothing: %s (%s, %s) is only in the patched object",
		     b->name, scope_text(b), b->section->elf->name);
	else if (!b)
		tell(t, "paired", "with nothing: %s (%s, %s) is only in the original object",
		     a->name, scope_text(a), a->section->elf->name);
	else
		tell(t, "paired",
		     "%s: %s (%s, %s, %" PRIu64 " bytes) is %s (%s, %s, %" PRIu64 " bytes)",
		     pair_text(b), a->name, scope_text(a), a->section->elf->name, a->end - a->start,
		     b->name, scope_text(b), b->section->elf->name, b->end - b->start);
}

/* The instruction around a place of a function, from its entry. */
static void tell_code(struct teller *t, const char *topic, const struct atom *atom, uint64_t offset)
{
	const uint8_t *data = atom->section->elf->data;
	uint64_t at = atom->start, place = atom->start + offset;
	char hex[SHOWN_BYTES * 3 + 1] = "";
	struct insn insn = { 0 };

	while (data && at < place && insn_decode(data + at, atom->end - at, &insn) &&
	       at + insn.len <= place)
		at += insn.len;
	uint64_t len = data && at < atom->end && insn_decode(data + at, atom->end - at, &insn)
			       ? insn.len
			       : MIN(atom->end - at, UINT64_C(8));
	for (uint64_t i = 0; data && i < MIN(len, (uint64_t)SHOWN_BYTES); i++)
		snprintf(hex + (i ? 3 * i - 1 : 0), 4, i ? " %02x" : "%02x", data[at + i]);
	if (at >= atom->end)
		tell(t, topic, "+0x%" PRIx64 "  the function has ended", at - atom->entry);
	else
		tell(t, topic, "+0x%" PRIx64 "  %s", at - atom->entry, hex);
}

/* What a reference leads to. */
static void target_text(const struct ref *ref, char *text, size_t size)
{
	const struct atom *target = ref->target;
	const uint8_t *data = target ? target->section->elf->data : NULL;

	if (!ref->section) {
		snprintf(text, size, "%s+%" PRId64, ref->symbol ? ref->symbol->name : "address",
			 ref->position);
	} else if (!target) {
		snprintf(text, size, "%s+%" PRId64, ref->section->elf->name, ref->position);
	} else if (target->section->class == CLASS_STRINGS && data) {
		snprintf(text, size, "\"%.*s\"", (int)MIN(target->end - target->start, 60UL),
			 (const char *)data + target->start);
		error_clean_text(text);
	} else {
		snprintf(text, size, "%s+%" PRId64, target->name,
			 ref->position - (int64_t)target->entry);
	}
}

static void tell_reference(struct teller *t, const char *topic, const struct atom *atom,
			   const struct ref *ref)
{
	char text[512];

	target_text(ref, text, sizeof(text));
	tell(t, topic, "+0x%" PRIx64 "  %s to %s", ref->offset - atom->entry,
	     ref->branch ? "a branch" : "a reference", text);
}

static void tell_difference(struct teller *t, const struct atom *a, const struct atom *b)
{
	struct difference d = diff_first_difference(a, b);

	switch (d.kind) {
	case DIFFERENCE_NONE: return;
	case DIFFERENCE_PLACE:
		tell(t, "difference", "the section, the padding or the cold part");
		return;
	case DIFFERENCE_BYTES:
		tell(t, "difference", "an instruction");
		tell_code(t, "original", a, d.offset);
		tell_code(t, "patched", b, d.offset);
		return;
	case DIFFERENCE_REFERENCE:
		tell(t, "difference", "where an instruction refers to");
		tell_reference(t, "original", a, d.a);
		tell_reference(t, "patched", b, d.b);
		return;
	case DIFFERENCE_REFERENCE_COUNT:
		tell(t, "difference", "the number of references: %zu became %zu", a->ref_count,
		     b->ref_count);
		return;
	case DIFFERENCE_ENTRY:
		tell(t, "difference", "its entries in section %s", d.section);
		return;
	}
}

static void tell_verdict(struct teller *t, const struct atom *a, const struct atom *b)
{
	const struct atom *was = b ? b->was : NULL;

	if (was) {
		tell(t, "changed",
		     "it cannot be redirected (no call of __fentry__ at its start), so a copy goes "
		     "along and its callers are replaced");
		tell_difference(t, was, b);
	} else if (!a) {
		tell(t, "new", "it goes along");
	} else if (!b) {
		tell(t, "removed", "the running kernel keeps it, for those who are in it");
	} else if (!b->differs) {
		tell(t, "unchanged", "every byte, reference and special entry is equal%s",
		     b->line_numbers ? ", but for line numbers" : "");
	} else {
		tell(t, "changed", "it is replaced");
		tell_difference(t, a, b);
		if (a->cold && b->cold && diff_first_difference(a, b).kind == DIFFERENCE_NONE)
			tell_difference(t, a->cold, b->cold);
	}
}

static void tell_data(struct teller *t, const struct atom *target)
{
	if (target->was)
		tell(t, "needs", "the constant %s, changed: a copy with the new value goes along",
		     target->name);
	else if (!target->pair)
		tell(t, "needs", "the variable %s, new: it goes along", target->name);
	else if (target->paired_through)
		tell(t, "needs", "the kernel's variable %s (%s in the original; both used by %s)%s",
		     target->name, target->pair->name, target->paired_through->name,
		     target->tentative ? ", known by order alone" : "");
	else
		tell(t, "needs", "the kernel's variable %s (paired %s)", target->name,
		     pair_text(target));
	if (target->unclear)
		tell(t, "unclear", "which variable of the running kernel %s is", target->name);
}

static void tell_function(struct teller *t, const struct atom *target)
{
	if (target->was)
		tell(t, "needs", "the function %s: a copy goes along", target->name);
	else if (!target->pair)
		tell(t, "needs", "the function %s, new: it goes along", target->name);
	else if (target->changed)
		tell(t, "needs", "the function %s, which is replaced too", target->name);
}

/* What a function drags along or shares with the kernel; calls of unchanged code go without saying.
 */
static void tell_needs(struct teller *t, const struct atom *by)
{
	size_t contents = 0;

	t->diff->stamp++;
	for (const struct atom *part = by; part; part = part == by ? by->cold : NULL) {
		for (size_t i = 0; i < part->ref_count; i++) {
			struct atom *target = part->refs[i].target;

			if (!target || atom_owner(target) == by || target->stamp == t->diff->stamp)
				continue;
			target->stamp = t->diff->stamp;
			contents += target->kind == ATOM_CONTENT;
			if (target->kind == ATOM_DATA)
				tell_data(t, target);
			else if (target->kind == ATOM_FUNCTION)
				tell_function(t, target);
		}
	}
	if (contents > 0)
		tell(t, "needs", "%zu string%s or unnamed constant%s, of which copies go along",
		     contents, contents == 1 ? "" : "s", contents == 1 ? "" : "s");
}

static bool refers(const struct atom *by, const struct atom *to)
{
	for (size_t i = 0; i < by->ref_count; i++)
		if (by->refs[i].target && atom_owner(by->refs[i].target) == to)
			return true;
	return false;
}

static void tell_users(struct teller *t, const struct atom_set *unit, const struct atom *to)
{
	char text[LINE_MAX_BYTES / 2] = "";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < unit->atoms.count; i++) {
		struct atom *atom = unit->atoms.items[i];

		if (atom_owner(atom) == to || atom->kind == ATOM_CONTENT || !refers(atom, to))
			continue;
		if (n++ < SHOWN_NAMES && len < sizeof(text) - 128)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.100s",
						n > 1 ? ", " : "", atom_owner(atom)->name);
	}
	if (n > SHOWN_NAMES)
		tell(t, "used by", "%s and %zu others", text, n - SHOWN_NAMES);
	else if (n > 0)
		tell(t, "used by", "%s", text);
}

/* Functions whose code holds inlined code of another. */
struct holders {
	struct diff *diff;
	const char *callee;
	struct name_table *names; /* each once; by name what it holds is not told */
	char text[LINE_MAX_BYTES / 2];
	size_t len, n;
};

static int note_holder(void *user, const char *function, const char *callee)
{
	struct holders *h = user;

	if (!streq(callee, h->callee) || name_table_find(h->names, function))
		return 0;
	const char *name = arena_strdup(h->diff->arena, function);
	if (!name || name_table_add(h->names, name, h) < 0)
		return ERR_NO_MEMORY;
	if (h->n++ < SHOWN_NAMES && h->len < sizeof(h->text) - 128)
		h->len += (size_t)snprintf(h->text + h->len, sizeof(h->text) - h->len, "%s%.100s",
					   h->n > 1 ? ", " : "", name);
	return 0;
}

/* Into which functions of an object it was inlined. 0, or why that is not known. */
static int tell_holders(struct teller *t, const struct elf_object *object, const char *which,
			const char *callee)
{
	_cleanup_name_table_ struct name_table *names = name_table_new();
	struct holders h = { .diff = t->diff, .callee = callee, .names = names };
	const struct scopes_visitor visitor = { .inlined = note_holder, .user = &h };
	int e = names ? scopes_visit(object, &visitor) : ERR_NO_MEMORY;

	t->holders += h.n;
	error_clean_text(h.text);
	if (h.n > SHOWN_NAMES)
		tell(t, "inlined", "%s into %s and %zu others", which, h.text, h.n - SHOWN_NAMES);
	else if (h.n > 0)
		tell(t, "inlined", "%s into %s", which, h.text);
	return e;
}

static void tell_inlined(struct teller *t, const char *name)
{
	const char *callee = arena_strndup(t->diff->arena, name, strcspn(name, "."));
	int e = callee ? tell_holders(t, t->diff->original.object, "in the original", callee)
		       : ERR_NO_MEMORY;

	if (e == 0)
		e = tell_holders(t, t->diff->patched.object, "in the patched object", callee);
	if (e == ERR_NO_MEMORY && t->e == 0)
		t->e = e;
	else if (e < 0)
		tell(t, "inlined", "not known: the debugging data, which would tell, are %s",
		     e == ERR_NOT_FOUND ? "not there" : "damaged");
}

static void tell_reasons(struct teller *t, const char *name)
{
	for (size_t i = 0; i < t->diff->reasons.n; i++) {
		const struct reason *r = &t->diff->reasons.items[i];

		if (streq(r->subject, name))
			tell(t, "refused", "%s", r->message);
	}
}

static void tell_all(struct teller *t, const struct atom *a, const struct atom *b)
{
	const struct atom *shown = b ? b : a;

	tell(t, "function", "%s", shown->name);
	tell_pairing(t, a, b);
	tell_verdict(t, a, b);
	if (b && (!b->pair || b->differs))
		tell_needs(t, b);
	tell_users(t, b ? &t->diff->patched : &t->diff->original, shown);
	tell_reasons(t, shown->name);
}

/* `f` also means `f.isra.0` and `f.cold`. */
static bool is_meant(const struct atom *atom, const char *name)
{
	size_t len = strlen(name);

	return atom->kind == ATOM_FUNCTION && !atom->parent && atom->symbol &&
	       strncmp(atom->name, name, len) == 0 && (!atom->name[len] || atom->name[len] == '.');
}

int diff_explain(struct diff *diff, const char *name, struct diff_explanation *ret,
		 struct error *err)
{
	struct teller t = { .diff = diff, .out = ret };

	for (size_t i = 0; i < diff->patched.atoms.count; i++) {
		const struct atom *b = diff->patched.atoms.items[i];

		if (is_meant(b, name) || (b->pair && is_meant(b->pair, name)))
			tell_all(&t, b->pair ? b->pair : b->was, b);
	}
	for (size_t i = 0; i < diff->original.atoms.count; i++) {
		const struct atom *a = diff->original.atoms.items[i];

		if (is_meant(a, name) && !a->pair && !a->was)
			tell_all(&t, a, NULL);
	}
	size_t found = ret->facts.count;
	if (found == 0)
		tell(&t, "function", "%s, which is no function of its own in either object", name);
	tell_inlined(&t, name);
	if (t.e < 0)
		return error_set(err, t.e, "out of memory");
	if (found == 0 && t.holders == 0)
		return error_set(
			err, ERR_NOT_FOUND,
			"%s: no function %s in either object; if it is inlined everywhere, only "
			"objects with debugging data tell where",
			diff->name, name);
	return 0;
}

void diff_explanation_free(struct diff_explanation *explanation)
{
	free(explanation->facts.items);
}
