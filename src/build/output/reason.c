/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/output/reason.h"

#include <stdio.h>

/* More than this, and nobody reads on. */
#define REASONS_MAX 10000

#define WAIT        "it can wait for a reboot into a kernel that has the fix"

static const struct {
	const char *name;
	enum reason_grade grade;
	const char *title;
	const char *hint;
} kinds[] = {
	[REASON_UNSAFE_PATH] = { "unsafe-path", REASON_REFUSAL, "paths that are not followed",
				 "name files as git does, a/fs/proc/version.c and b/fs/proc/version.c, "
				 "below the top folder of the kernel's source" },
	[REASON_BUILD_FILE] = { "build-file", REASON_REFUSAL, "files that direct the build",
				"leave the file out of the patch if the fix of the C code stands alone; "
				"a changed configuration needs another kernel" },
	[REASON_FILE_KIND] = { "file-kind", REASON_REFUSAL, "files made, removed or renamed",
			       "put new code into a C file that the kernel has, beside its caller" },
	[REASON_HEADER] = { "header", REASON_REFUSAL, "headers of modules outside the kernel",
			    "give the C files that need it a changed copy of the inline function or "
			    "macro under another name" },
	[REASON_ASSEMBLER] = { "assembler", REASON_REFUSAL, "assembler",
			       "change the C functions that call this code; else " WAIT },
	[REASON_VDSO] = { "vdso", REASON_REFUSAL, "the vDSO, which is mapped into every process",
			  "change the system call behind it; else " WAIT },
	[REASON_BOOT_CODE] = { "boot-code", REASON_REFUSAL, "code that runs before the kernel",
			       "nothing is lost: it is over once the kernel runs, and counts at the "
			       "next boot only; leave the file out of the patch" },
	[REASON_LANGUAGE] = { "language", REASON_REFUSAL, "languages other than C",
			      "change the C code that calls it; else " WAIT },
	[REASON_NOT_KERNEL_CODE] = { "not-kernel-code", REASON_NOTE,
				     "files that are not part of the running kernel", "" },
	[REASON_NOT_COMPILED] = { "not-compiled", REASON_NOTE,
				  "files that this kernel is not compiled from", "" },
	[REASON_NOT_EXAMINED] = { "not-examined", REASON_NOTE,
				  "what could not be looked at without the refused files", "" },
	[REASON_CHANGED_DATA] = { "changed-data", REASON_REFUSAL, "initialised data changed",
				  "the running kernel has its own copy, with today's value: set it in a "
				  "pre-patch callback (SUTURE_CALLBACKS), or leave it and let the "
				  "changed functions use a new variable" },
	[REASON_CHANGED_RODATA] = { "changed-rodata", REASON_REFUSAL, "read-only data changed",
				    "give the new values a name of their own and use it in the "
				    "functions that are to see them" },
	[REASON_CHANGED_LAYOUT] = { "changed-layout", REASON_REFUSAL, "structures changed",
				    "keep the structure and hold what is new in a shadow variable "
				    "(klp_shadow_get_or_alloc), keyed by the object's address" },
	[REASON_CHANGED_EXPORT] = { "changed-export", REASON_REFUSAL, "exported symbols changed",
				    "keep the exported function as it is, and give the fix a new "
				    "function that it calls" },
	[REASON_CHANGED_ALIAS] = { "changed-alias", REASON_REFUSAL,
				   "names that stand for something else",
				   "keep the alias, and change what it stands for, or the functions "
				   "that use the name" },
	[REASON_CHANGED_INIT] = { "changed-init", REASON_REFUSAL, "code and data of start and end",
				  "it ran already: do the difference in a pre-patch callback "
				  "(SUTURE_CALLBACKS), and leave this function as it is" },
	[REASON_CHANGED_TABLE] = { "changed-table", REASON_REFUSAL,
				   "tables that the kernel reads once",
				   "register the entry at run time in a post-patch callback "
				   "(SUTURE_CALLBACKS), if the kernel has a function for it" },
	[REASON_CHANGED_TRACEPOINT] = { "changed-tracepoint", REASON_REFUSAL,
					"tracepoints that changed",
					"leave the tracepoint as it is and report the new value by "
					"another way: trace_printk(), pr_debug(), or a new function "
					"that tracers can hook" },
	[REASON_NOT_TRACEABLE] = { "not-traceable", REASON_REFUSAL,
				   "functions that ftrace cannot redirect",
				   "change the functions that call it: give them a copy of it under "
				   "another name" },
	[REASON_STATIC_LOCAL_REMOVED] = { "static-local-removed", REASON_REFUSAL,
					  "static variables removed",
					  "keep the variable, and a use of it, in the function" },
	[REASON_STATIC_LOCAL_UNCLEAR] = { "static-local-unclear", REASON_REFUSAL,
					  "static variables that cannot be told apart",
					  "rename neither the variable nor its function, leave it in "
					  "its function or file, and change one of the functions at a "
					  "time" },
	[REASON_UNKNOWN_REFERENCE] = { "unknown-reference", REASON_REFUSAL,
				       "references that are not understood", "" },
	[REASON_INIT_REFERENCE] = { "init-reference", REASON_REFUSAL,
				    "uses of memory that is freed after start",
				    "use a copy of what is needed under another name" },
	[REASON_UNSUPPORTED_SECTION] = { "unsupported-section", REASON_REFUSAL,
					 "sections that a live patch cannot carry", "" },
	[REASON_MODULE_KEY] = { "module-key", REASON_REFUSAL, "static keys that a module owns",
				"write static_key_enabled(&KEY) instead" },
	[REASON_SILENT_TRACEPOINT] = { "silent-tracepoint", REASON_WARNING,
				       "tracepoints that stay silent",
				       "listen with a kprobe on the function instead" },
	[REASON_UNSUPPORTED_RELOC] = { "unsupported-relocation", REASON_REFUSAL,
				       "relocations that are not understood", "" },
	[REASON_PATCHING_PATH] = { "patching-path", REASON_REFUSAL,
				   "functions by which functions are replaced",
				   "change a function that it calls and that is used while nothing "
				   "is being replaced; else " WAIT },
	[REASON_NEVER_ENDS] = { "never-ends", REASON_WARNING, "functions that a task never leaves",
				"move what changes into a function of its own that the loop calls, and "
				"let that one be replaced at the next fix; try the transition in "
				"suture-lab first" },
	[REASON_ENTRY_CODE] = { "entry-code", REASON_WARNING, "functions of interrupts and entry",
				"see that old and new code may run beside each other" },
	[REASON_EXPORT_LIST] = { "export-list", REASON_NOTE, "changed exports", "" },
	[REASON_CHANGED_MODINFO] = { "changed-modinfo", REASON_NOTE, "changed module information",
				     "" },
	[REASON_UNKNOWN_SYMBOL] = { "unknown-symbol", REASON_REFUSAL,
				    "symbols that this kernel does not have",
				    "use another function, or carry a copy of it in the patch" },
	[REASON_AMBIGUOUS_SYMBOL] = { "ambiguous-symbol", REASON_REFUSAL,
				      "symbols that cannot be told apart",
				      "say which one is meant with SUTURE_SYMBOL() of "
				      "<suture/livepatch.h>, or reach it through an exported "
				      "function" },
	[REASON_OTHER_MODULE] = { "other-module", REASON_REFUSAL,
				  "code of modules that may be absent",
				  "define it in a file of the kernel itself, or once in each module" },
	[REASON_MODULE_RELOAD] = { "module-reload", REASON_WARNING,
				   "modules that cannot be loaded again",
				   "leave the module loaded, or take the patch back before" },
	[REASON_NO_ENDBR] = { "no-endbr", REASON_REFUSAL,
			      "functions that cannot be called by their address",
			      "give the patch a function of its own that calls it by its name, and take "
			      "the address of that one" },
	[REASON_OVERRIDDEN] = { "overridden", REASON_REFUSAL,
				"weak functions that another file overrides",
				"the kernel never runs them: leave them out of the patch, or change "
				"the definition that it has" },
	[REASON_MISMATCH] = { "mismatch", REASON_REFUSAL, "functions that are not the shipped code",
			      "one function alone: the source differs there, or the compiler's "
			      "version by a little; many: another compiler or another "
			      "configuration. `suture-build prove` shows the whole file" },
	[REASON_NO_TYPES] = { "no-types", REASON_WARNING, "objects without debugging data",
			      "compile both objects with -gdwarf-5 -gz=none" },
};

static void reason_done(struct reason *r)
{
	free(r->file);
	free(r->subject);
	free(r->message);
	free(r->hint);
}

void reason_list_free(struct reason_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		reason_done(&list->items[i]);
	free(list->items);
	*list = (struct reason_list){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;
	int c = (int)x->code - (int)y->code;

	if (c == 0)
		c = strcmp(x->file, y->file);
	if (c == 0)
		c = strcmp(x->subject, y->subject);
	return c ? c : strcmp(x->message, y->message);
}

/* Takes what `r` owns, also on failure. */
static int push(struct reason_list *list, struct reason *r)
{
	int e = r->file && r->subject && r->message ? 0 : ERR_NO_MEMORY;
	bool known = false;

	if (e == 0) {
		error_clean_text(r->file);
		error_clean_text(r->subject);
		error_clean_text(r->message);
	}
	for (size_t i = 0; e == 0 && !known && i < list->n; i++)
		known = compare(&list->items[i], r) == 0;
	if (e == 0 && !known && list->n >= REASONS_MAX)
		e = ERR_TOO_LARGE;
	if (e == 0 && !known && list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 8;
		struct reason *items = reallocarray(list->items, cap, sizeof(*items));

		if (items) {
			list->items = items;
			list->cap = cap;
		} else {
			e = ERR_NO_MEMORY;
		}
	}
	if (e == 0 && !known)
		list->items[list->n++] = *r;
	else
		reason_done(r);
	return e;
}

int reason_add(struct reason_list *list, enum reason_code code, const char *file,
	       const char *subject, const char *format, ...)
{
	struct reason r = { .code = code };
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&r.message, format, ap) < 0)
		r.message = NULL;
	va_end(ap);
	r.file = strdup(file ? file : "");
	r.subject = strdup(subject ? subject : "");
	return push(list, &r);
}

int reason_add_copy(struct reason_list *list, const struct reason *reason)
{
	struct reason r = {
		.code = reason->code,
		.file = strdup(reason->file ? reason->file : ""),
		.subject = strdup(reason->subject ? reason->subject : ""),
		.message = strdup(reason->message),
		.hint = reason->hint ? strdup(reason->hint) : NULL,
	};

	if (reason->hint && !r.hint) {
		reason_done(&r);
		return ERR_NO_MEMORY;
	}
	return push(list, &r);
}

void reason_list_sort(struct reason_list *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare);
}

size_t reason_count(const struct reason_list *list, enum reason_grade grade)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += reason_grade(list->items[i].code) == grade;
	return n;
}

const char *reason_name(enum reason_code code)
{
	return kinds[code].name;
}

const char *reason_title(enum reason_code code)
{
	return kinds[code].title;
}

const char *reason_hint(const struct reason *reason)
{
	return reason->hint ? reason->hint : kinds[reason->code].hint;
}

enum reason_grade reason_grade(enum reason_code code)
{
	return kinds[code].grade;
}

const char *reason_grade_name(enum reason_grade grade)
{
	static const char *const names[] = { "refusal", "warning", "note" };

	return names[grade];
}
