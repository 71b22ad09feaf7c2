/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a change that can be carried still does to the running kernel, or does not do. */
#include "build/diff/diff_internal.h"

#include "base/file.h"

/*
 * Functions in which some task sleeps always. A task changes over when none of the changed
 * functions is on its stack (Documentation/livepatch/livepatch.rst, "Consistency model"): with one
 * of these the transition may never end.
 */
static const char *const sleepers[] = {
	"__schedule",
	"cpu_startup_entry",
	"do_idle",
	"irq_thread",
	"kcompactd",
	"khugepaged",
	"kswapd",
	"kthread",
	"kthread_worker_fn",
	"kthreadd",
	"rcu_gp_kthread",
	"rcu_nocb_cb_kthread",
	"rcu_tasks_kthread",
	"rescuer_thread",
	"ret_from_fork",
	"schedule",
	"schedule_hrtimeout_range_clock",
	"schedule_idle",
	"schedule_timeout",
	"smpboot_thread_fn",
	"worker_thread",
};

/* What starts a thread with a function. */
static const char *const starters[] = {
	"create_io_thread",       "kernel_thread",     "kthread_create_on_cpu",
	"kthread_create_on_node", "vhost_task_create",
};

/* Functions by which the kernel replaces functions and looks at stacks: object, beginning of the
 * name ("" for all). */
static const struct {
	const char *object, *name;
} patching[] = {
	{ "kernel/livepatch/", "" },
	{ "kernel/trace/ftrace.o", "" },
	{ "arch/x86/kernel/ftrace.o", "" },
	{ "arch/x86/kernel/alternative.o", "text_poke" },
	{ "arch/x86/kernel/unwind_", "" },
	{ "arch/x86/kernel/stacktrace.o", "arch_stack_walk" },
	{ "arch/x86/kernel/kprobes/ftrace.o", "" },
	{ "kernel/stacktrace.o", "stack_trace_save_tsk" },
	{ "kernel/stop_machine.o", "" },
};

/* Objects whose functions run in interrupts and on the way into the kernel. */
static const char *const entries[] = { "arch/x86/entry/", "arch/x86/kernel/nmi.o",
				       "arch/x86/kernel/traps.o", "kernel/entry/" };

static bool is_among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(names[i], name))
			return true;
	return false;
}

static bool starts_threads(const struct atom *atom)
{
	for (size_t i = 0; i < atom->ref_count; i++) {
		const struct ref *ref = &atom->refs[i];

		if (ref->branch && ref->symbol &&
		    is_among(starters, ARRAY_SIZE(starters), ref->symbol->name))
			return true;
	}
	return false;
}

/* Is its address taken by a function that starts threads? */
static bool is_main_loop(const struct diff *diff, const struct atom *atom)
{
	for (size_t i = 0; i < diff->original.atoms.count; i++) {
		const struct atom *by = diff->original.atoms.items[i];

		if (by->kind != ATOM_FUNCTION)
			continue;
		for (size_t k = 0; k < by->ref_count; k++)
			if (by->refs[k].target == atom && !by->refs[k].branch && starts_threads(by))
				return true;
	}
	return false;
}

static bool replaces_functions(const char *object, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(patching); i++)
		if (str_has_prefix(object, patching[i].object) &&
		    str_has_prefix(name, patching[i].name))
			return true;
	return false;
}

static bool is_entry(const char *object)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (str_has_prefix(object, entries[i]))
			return true;
	return false;
}

static int check_function(struct diff *diff, const struct atom *original)
{
	const char *name = original->name;
	int e = 0;

	if (replaces_functions(diff->name, name))
		e = diff_refuse(diff, REASON_PATCHING_PATH, name,
				"%s is part of how the kernel replaces functions, and would be "
				"replaced while it works",
				name);
	else if (is_entry(diff->name))
		e = diff_refuse(diff, REASON_ENTRY_CODE, name,
				"%s runs in interrupts or on the way into the kernel: on whatever "
				"task is there, which may have changed over or not",
				name);
	if (e == 0 &&
	    (is_among(sleepers, ARRAY_SIZE(sleepers), name) || is_main_loop(diff, original)))
		e = diff_refuse(diff, REASON_NEVER_ENDS, name,
				"some task is always in %s, so that the transition may never end",
				name);
	return e;
}

static const char *exported(const struct elf_symbol *symbol)
{
	static const char *const prefixes[] = { "__ksymtab_", "__export_symbol_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_has_prefix(symbol->name, prefixes[i]))
			return symbol->name + strlen(prefixes[i]);
	return NULL;
}

/* Says which names `a` exports and `b` does not. */
static int compare_exports(struct diff *diff, const struct elf_object *a,
			   const struct elf_object *b, const char *how)
{
	_cleanup_name_table_ struct name_table *table = name_table_new();
	int e = table ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; e == 0 && i < b->symbol_count; i++)
		if (exported(b->symbols[i]))
			e = name_table_add(table, exported(b->symbols[i]), b->symbols[i]);
	for (size_t i = 0; e == 0 && i < a->symbol_count; i++) {
		const char *name = exported(a->symbols[i]);

		if (name && !name_table_find(table, name))
			e = diff_refuse(diff, REASON_EXPORT_LIST, name,
					"the export of %s is %s, and the running kernel's list of "
					"exports stays as it is",
					name, how);
	}
	return e;
}

static bool is_global(const struct elf_symbol *symbol)
{
	return (symbol->type == STT_FUNC || symbol->type == STT_OBJECT) &&
	       symbol->binding != STB_LOCAL;
}

/* Its name alone says what it is. Functions of the file call what they are compiled for. */
static bool is_variable_of_file(const struct elf_symbol *symbol)
{
	return symbol->type == STT_OBJECT && symbol->section &&
	       (symbol->section->flags & SHF_WRITE) && !name_is_numbered(symbol->name);
}

static bool has_meaning(const struct elf_symbol *symbol)
{
	return symbol->section && symbol->user &&
	       (is_global(symbol) || is_variable_of_file(symbol));
}

/* What a name meant: the one global of that name, or the one variable. */
static const struct elf_symbol *find_meaning(const struct name_entry *entry,
					     const struct elf_symbol *new)
{
	const struct elf_symbol *first = entry->items.items[0];

	for (size_t i = 0; is_global(new) && i < entry->items.count; i++)
		if (is_global(entry->items.items[i]))
			return entry->items.items[i];
	return entry->items.count == 1 ? first : NULL;
}

/*
 * A name that led to one thing and leads to another now: an alias that has become a function or
 * variable of its own, or the reverse. The rest of the kernel is linked to what a global name
 * meant, and the state of a variable is where it was.
 */
static int check_aliases(struct diff *diff)
{
	const struct elf_object *original = diff->original.object, *patched = diff->patched.object;
	_cleanup_name_table_ struct name_table *table = name_table_new();
	int e = table ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; e == 0 && i < original->symbol_count; i++)
		if (has_meaning(original->symbols[i]))
			e = name_table_add(table, original->symbols[i]->name, original->symbols[i]);
	for (size_t i = 0; e == 0 && i < patched->symbol_count; i++) {
		const struct elf_symbol *new = patched->symbols[i];
		const struct name_entry *entry =
			has_meaning(new) ? name_table_find(table, new->name) : NULL;
		const struct elf_symbol *old = entry ? find_meaning(entry, new) : NULL;
		const struct atom *atom = old ? old->user : NULL;

		if (atom && atom->kind != ATOM_CONTENT && atom->pair != new->user)
			e = diff_refuse(diff, REASON_CHANGED_ALIAS, new->name,
					"%s stood for %s and stands for %s now, and the rest of "
					"the kernel uses what it stood for",
					new->name, atom->name,
					((const struct atom *)new->user)->name);
	}
	return e;
}

static bool same_modinfo(const struct elf_object *a, const struct elf_object *b)
{
	const struct elf_section *x = elf_object_section(a, ".modinfo");
	const struct elf_section *y = elf_object_section(b, ".modinfo");

	if (!x || !y || !x->data || !y->data)
		return (x && x->size) == (y && y->size);
	return x->size == y->size && memcmp(x->data, y->data, x->size) == 0;
}

int diff_find_hazards(struct diff *diff)
{
	const struct elf_object *original = diff->original.object, *patched = diff->patched.object;
	int e = compare_exports(diff, patched, original, "new");

	if (e == 0)
		e = compare_exports(diff, original, patched, "gone");
	if (e == 0)
		e = check_aliases(diff);
	if (e == 0 && !same_modinfo(original, patched))
		e = diff_refuse(diff, REASON_CHANGED_MODINFO, ".modinfo",
				"strings of MODULE_…() changed, and those of the loaded module "
				"stay as they are");
	for (size_t i = 0; e == 0 && i < diff->original.atoms.count; i++) {
		const struct atom *atom = diff->original.atoms.items[i];

		if (atom->kind == ATOM_FUNCTION && atom->changed && !atom->parent &&
		    !atom_is_init(atom))
			e = check_function(diff, atom);
	}
	return e;
}
