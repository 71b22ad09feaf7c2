/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/diff/diff_internal.h"

#include <stdio.h>

#include "build/object/layout.h"

/* What both units may take in memory besides the objects themselves. */
#define ARENA_MAX ((size_t)1 << 30)

int diff_advise(struct diff *diff, enum reason_code code, const char *subject, const char *hint,
		const char *format, ...)
{
	char message[ERROR_MESSAGE_MAX];
	struct reason reason = { .code = code,
				 .file = (char *)diff->name,
				 .subject = (char *)subject,
				 .message = message,
				 .hint = (char *)hint };
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	return reason_add_copy(&diff->reasons, &reason);
}

static int add_changed(struct diff *diff, const struct atom *original)
{
	const struct elf_symbol *sym = original->symbol;
	struct diff_function function = {
		.name = sym->name,
		.symbol = arena_printf(diff->arena, "suture_new.%s.%s", diff->unit_name, sym->name),
		.file = sym->file,
		.local = sym->binding == STB_LOCAL,
		.weak = sym->binding == STB_WEAK,
		.size = original->end - original->entry,
	};

	return function.symbol ? VEC_PUSH(&diff->changed, function) : ERR_NO_MEMORY;
}

static int add_added(struct diff *diff, const struct atom *atom)
{
	struct diff_function function = {
		.name = atom->name,
		.symbol = atom->name,
		.file = atom->symbol ? atom->symbol->file : NULL,
		.local = !atom->symbol || atom->symbol->binding == STB_LOCAL,
		.weak = atom->symbol && atom->symbol->binding == STB_WEAK,
		.size = atom->end - atom->entry,
	};

	return VEC_PUSH(&diff->added, function);
}

static int changed_function(struct diff *diff, struct atom *original, struct atom *patched)
{
	patched->changed = original->changed = true;
	if (atom_is_init(original) || atom_is_init(patched))
		return diff_refuse(
			diff, REASON_CHANGED_INIT, patched->name,
			"%s changed, and it runs only when its code is loaded or unloaded",
			patched->name);
	if (!original->symbol)
		return diff_refuse(diff, REASON_NOT_TRACEABLE, patched->name,
				   "code without a function in section %s changed", patched->name);
	int e = add_changed(diff, original);
	if (e == 0 && !atom_is_traceable(original))
		e = diff_refuse_untraceable(diff, original);
	return e;
}

static void compare_pairs(struct diff *diff)
{
	for (size_t i = 0; i < diff->patched.atoms.count; i++) {
		struct atom *atom = diff->patched.atoms.items[i];

		if (!atom->pair || atom->parent)
			continue;
		atom->differs = atom->kind == ATOM_FUNCTION ? !diff_function_equal(atom->pair, atom)
							    : !diff_data_equal(atom->pair, atom);
	}
}

static int list_functions(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->patched.atoms.count; i++) {
		struct atom *atom = diff->patched.atoms.items[i];

		if (atom->kind != ATOM_FUNCTION || atom->parent)
			continue;
		if (atom->pair) {
			if (atom->differs)
				e = changed_function(diff, atom->pair, atom);
		} else if (!atom_is_init(atom)) {
			e = add_added(diff, atom);
		}
	}
	return e;
}

/* Something of a table changed, came or went: what that means, and what can be done instead. */
static int changed_table(struct diff *diff, const struct atom *atom, const char *how)
{
	const char *section = atom->section->elf->name, *advice = section_advice(section);

	if (atom->section->class == CLASS_UNKNOWN)
		return diff_refuse(diff, REASON_UNSUPPORTED_SECTION, atom->name,
				   "%s %s section %s, and what the kernel does with that section "
				   "is not known here",
				   atom->name, how, section);
	return diff_advise(diff, REASON_CHANGED_TABLE, atom->name, advice,
			   "%s %s section %s, which the kernel reads once", atom->name, how,
			   section);
}

static int changed_data(struct diff *diff, const struct atom *original, const struct atom *patched)
{
	const char *name = patched->name;

	if (section_is_table(original->section->class))
		return changed_table(diff, original, "changed in");
	if (section_is_table(patched->section->class))
		return changed_table(diff, patched, "moved to");
	if (atom_is_init(original) || atom_is_init(patched))
		return diff_refuse(diff, REASON_CHANGED_INIT, name,
				   "%s changed, and the kernel frees it after start", name);
	return diff_refuse_data(diff, original, patched);
}

/* The kernel's table of labels leads into the old code, from the new one, too. */
static int check_labels(struct diff *diff, const struct atom *table)
{
	if (table->section->class == CLASS_UNKNOWN) /* refused as such */
		return 0;
	for (size_t i = 0; i < table->ref_count; i++) {
		const struct ref *ref = &table->refs[i];

		if (ref->target && ref->target->kind == ATOM_FUNCTION &&
		    atom_owner(ref->target)->changed &&
		    ref->position != (int64_t)ref->target->entry)
			return diff_advise(diff, REASON_UNKNOWN_REFERENCE,
					   atom_owner(ref->target)->name,
					   "use a switch instead of the table",
					   "%s holds addresses of labels in %s, and the running "
					   "kernel's leads into the old code",
					   table->name, atom_owner(ref->target)->name);
	}
	return 0;
}

static int check_data(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->patched.atoms.count; i++) {
		const struct atom *atom = diff->patched.atoms.items[i];

		if (atom->kind != ATOM_DATA)
			continue;
		if (atom->pair && atom->differs)
			e = changed_data(diff, atom->pair, atom);
		else if (atom->pair)
			e = check_labels(diff, atom);
		else if (!atom->pair && section_is_table(atom->section->class))
			e = changed_table(diff, atom, "is new in");
	}
	for (size_t i = 0; e == 0 && i < diff->original.atoms.count; i++) {
		const struct atom *atom = diff->original.atoms.items[i];

		if (atom->kind == ATOM_DATA && !atom->pair &&
		    section_is_table(atom->section->class))
			e = changed_table(diff, atom, "is gone from");
	}
	return e;
}

/* A changed function that no longer uses a static local of its own may have lost its state. */
static int check_removed(struct diff *diff, const struct atom *function)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < function->ref_count; i++) {
		const struct atom *target = function->refs[i].target;

		if (!target || !target->base || target->pair || target->unclear ||
		    target->section->class == CLASS_RODATA || target->start == target->end)
			continue;
		e = diff_refuse(diff, REASON_STATIC_LOCAL_REMOVED,
				atom_owner((struct atom *)function)->name,
				"%s no longer has its static variable %s", function->name,
				target->name);
	}
	return e;
}

/* A variable with a state that only one of the two objects has. */
static bool is_alone(const struct atom *atom)
{
	return atom && atom->kind == ATOM_DATA && !atom->pair && !atom_is_init(atom) &&
	       !section_is_table(atom->section->class) && atom->section->class != CLASS_RODATA &&
	       atom->start < atom->end;
}

static bool same_size(const struct atom *a, const struct atom *b)
{
	return a->end - a->start == b->end - b->start;
}

/* A new variable that `by` uses and that may be the one that is gone; rather one of its size than
 * `found`. */
static const struct atom *find_new(const struct atom *by, const struct atom *gone,
				   const struct atom *found)
{
	for (const struct atom *part = by; part; part = part == by ? by->cold : NULL)
		for (size_t i = 0; i < part->ref_count; i++) {
			const struct atom *new = part->refs[i].target;

			if (is_alone(new) && new->section->class == gone->section->class &&
			    (!found || (same_size(new, gone) && !same_size(found, gone))))
				found = new;
		}
	return found;
}

/* The same, by any function that is new itself. */
static const struct atom *find_new_anywhere(const struct diff *diff, const struct atom *gone)
{
	const struct atom *found = NULL;

	for (size_t i = 0; i < diff->patched.atoms.count; i++) {
		const struct atom *by = diff->patched.atoms.items[i];

		if (by->kind == ATOM_FUNCTION && !by->pair && !by->parent && !atom_is_init(by))
			found = find_new(by, gone, found);
	}
	return found;
}

/* Where a variable went and another came, it was renamed most likely, or became one of another
 * type: its state would be lost, and a lock would be two while old and new code run beside each
 * other. */
static int check_renamed(struct diff *diff, const struct atom *function)
{
	const struct atom *owner = atom_owner((struct atom *)function);
	const struct atom *now = owner->pair ? owner->pair : owner->was;
	int e = 0;

	for (size_t i = 0; e == 0 && i < function->ref_count; i++) {
		const struct atom *gone = function->refs[i].target, *new = NULL;

		if (is_alone(gone) && !(now && gone->base)) /* see check_removed() */
			new = now ? find_new(now, gone, NULL) : find_new_anywhere(diff, gone);
		if (new)
			e = diff_refuse(diff, REASON_STATIC_LOCAL_UNCLEAR, owner->name,
					"%s%s uses %s instead of %s, which is gone: if it is the "
					"same variable, its state would be lost",
					now ? "" : "what took the place of ", owner->name,
					new->name, gone->name);
	}
	return e;
}

static int check_static_locals(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->original.atoms.count; i++) {
		struct atom *atom = diff->original.atoms.items[i];
		const struct atom *owner = atom_owner(atom);
		bool gone = !owner->pair && !owner->copied && !atom_is_init(owner);

		if (atom->kind != ATOM_FUNCTION)
			continue;
		if (owner->changed || owner->copied)
			e = check_removed(diff, atom);
		if (e == 0 && (owner->changed || owner->copied || gone))
			e = check_renamed(diff, atom);
	}
	return e;
}

/* Variables paired by their order: an unchanged function that uses them agrees with the pairing. */
static void confirm_pairs(struct diff *diff)
{
	for (size_t i = 0; i < diff->patched.atoms.count; i++) {
		struct atom *atom = diff->patched.atoms.items[i];

		if (!atom_owner(atom)->pair || atom_owner(atom)->changed ||
		    atom->kind == ATOM_CONTENT)
			continue;
		for (size_t k = 0; k < atom->ref_count; k++)
			if (atom->refs[k].target)
				atom->refs[k].target->confirmed = true;
	}
}

static int changed_layout(void *user, const char *name, const char *how)
{
	struct diff *diff = user;
	int e = diff_refuse_tracepoint(diff, name);

	if (e != 0)
		return MIN(e, 0);
	return diff_refuse(
		diff, REASON_CHANGED_LAYOUT, name,
		"%s changed its layout: %s, and the running kernel may hold such objects "
		"as they were",
		name, how);
}

/* Where no function changed, nobody uses the new layout. */
static int compare_layouts(struct diff *diff)
{
	return diff->changed.count == 0
		       ? 0
		       : layout_compare(diff->original.object, diff->patched.object, changed_layout,
					diff);
}

static int list_data(struct diff *diff)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->kept.count; i++) {
		const struct atom *atom = diff->kept.items[i];
		struct diff_data data = {
			.name = atom->name,
			.section = atom->section->elf->name,
			.size = atom->end - atom->start,
			.local = !atom->symbol || atom->symbol->binding == STB_LOCAL,
		};

		if (atom->kind == ATOM_DATA)
			e = VEC_PUSH(&diff->data, data);
	}
	return e;
}

static int compare_function_names(const void *a, const void *b)
{
	return strcmp(((const struct diff_function *)a)->name,
		      ((const struct diff_function *)b)->name);
}

static int compare_data_names(const void *a, const void *b)
{
	return strcmp(((const struct diff_data *)a)->name, ((const struct diff_data *)b)->name);
}

#define SORT(vec, compare)                                                                \
	do {                                                                              \
		if ((vec).count > 1)                                                      \
			qsort((vec).items, (vec).count, sizeof(*(vec).items), (compare)); \
	} while (0)

static void conclude(struct diff *diff)
{
	struct diff_result *r = &diff->result;

	SORT(diff->changed, compare_function_names);
	SORT(diff->added, compare_function_names);
	SORT(diff->data, compare_data_names);
	reason_list_sort(&diff->reasons);
	*r = (struct diff_result){
		.changed = diff->changed.items,
		.changed_count = diff->changed.count,
		.added = diff->added.items,
		.added_count = diff->added.count,
		.data = diff->data.items,
		.data_count = diff->data.count,
		.reasons = diff->reasons.items,
		.reason_count = diff->reasons.n,
	};
	r->verdict = reason_count(&diff->reasons, REASON_REFUSAL) ? DIFF_REFUSED
		     : diff->kept.count                           ? DIFF_ACCEPTED
								  : DIFF_NO_CHANGE;
}

/* What a compiler left in an object: its first name, in the arena; "" if none is there. */
static const char *compiler_of(struct diff *diff, const struct elf_object *object)
{
	const struct elf_section *s = elf_object_section(object, ".comment");
	uint64_t at = 0;

	if (!s || !s->data)
		return "";
	while (at < s->size && s->data[at] == 0)
		at++;
	char *name = arena_strndup(diff->arena, (const char *)s->data + at, s->size - at);
	if (name)
		error_clean_text(name);
	return name ? name : "";
}

/* Names and sections that compilers make are those of gcc here, and only code of the same compiler
 * can be compared. */
static int check_compilers(struct diff *diff, const struct elf_object *original,
			   const struct elf_object *patched, struct error *err)
{
	const char *a = compiler_of(diff, original), *b = compiler_of(diff, patched);

	if (strstr(a, "clang") || strstr(b, "clang"))
		return error_set(err, ERR_UNSUPPORTED,
				 "%s: compiled by %s, and only objects of gcc can be compared",
				 diff->name, strstr(a, "clang") ? a : b);
	if (*a && *b && !streq(a, b))
		return error_set(
			err, ERR_UNSUPPORTED,
			"%s: the original was compiled by %s, the patched one by %s: compile "
			"both with the kernel's compiler",
			diff->name, a, b);
	return 0;
}

static int run(struct diff *diff, const struct diff_options *options, struct elf_object *original,
	       struct elf_object *patched, struct error *err)
{
	int e = check_compilers(diff, original, patched, err);

	if (e == 0)
		e = atom_set_open(original, diff->name, &options->sizes, options->objtool_again,
				  diff->arena, &diff->original, err);
	if (e == 0)
		e = atom_set_open(patched, diff->name, &options->sizes, options->objtool_again,
				  diff->arena, &diff->patched, err);
	if (e < 0)
		return e;
	e = diff_pair(diff);
	if (e == 0) {
		compare_pairs(diff);
		e = diff_copy_fixed(diff);
	}
	if (e == 0)
		e = list_functions(diff);
	if (e == 0)
		e = check_data(diff);
	if (e == 0)
		e = check_static_locals(diff);
	if (e == 0) {
		confirm_pairs(diff);
		e = diff_select(diff);
	}
	if (e == 0)
		e = list_data(diff);
	if (e == 0)
		e = diff_find_hazards(diff);
	if (e == 0)
		e = compare_layouts(diff);
	if (e < 0)
		return error_set(err, e, "%s: %s", diff->name,
				 e == ERR_INVALID ? "its debugging data are damaged"
						  : "out of memory");
	conclude(diff);
	return 0;
}

static bool is_unit_name(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= 64 && s[len] == 0;
}

int diff_objects(struct elf_object *original, struct elf_object *patched,
		 const struct diff_options *options, struct diff **ret, struct error *err)
{
	const char *unit = options->unit ? options->unit : "unit";

	if (!is_unit_name(unit))
		return error_set(err, ERR_INVALID, "\"%s\" is not a name for a unit", unit);
	_cleanup_diff_ struct diff *diff = calloc(1, sizeof(*diff));
	if (!diff)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	diff->arena = arena_new(ARENA_MAX);
	if (!diff->arena)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	diff->name = arena_strdup(diff->arena, options->name ? options->name : "object");
	diff->unit_name = arena_strdup(diff->arena, unit);
	if (!diff->name || !diff->unit_name)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	int e = run(diff, options, original, patched, err);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(diff);
	return 0;
}

void diff_free(struct diff *diff)
{
	if (!diff)
		return;
	atom_set_close(&diff->original);
	atom_set_close(&diff->patched);
	free(diff->changed.items);
	free(diff->added.items);
	free(diff->data.items);
	reason_list_free(&diff->reasons);
	free(diff->kept.items);
	arena_free(diff->arena);
	free(diff);
}

const struct diff_result *diff_result(const struct diff *diff)
{
	return &diff->result;
}
