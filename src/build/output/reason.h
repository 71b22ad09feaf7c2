/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a patch, or a part of it, cannot be applied live: one structure for every step that finds
 * something, from the paths of the patch to the symbols of the linked code. A step appends what it
 * finds and goes on, so that one run tells everything.
 */
#pragma once

#include "base/error.h"

/* Stable names (reason_name()) stand in JSON; docs/formats.md lists them. */
enum reason_code {
	/* The files that a patch touches. */
	REASON_UNSAFE_PATH,
	REASON_BUILD_FILE,
	REASON_FILE_KIND,
	REASON_HEADER,
	REASON_ASSEMBLER,
	REASON_VDSO,
	REASON_BOOT_CODE,
	REASON_LANGUAGE,
	REASON_NOT_KERNEL_CODE,
	REASON_NOT_COMPILED,
	REASON_NOT_EXAMINED,
	/* What changed in an object. */
	REASON_CHANGED_DATA,
	REASON_CHANGED_RODATA,
	REASON_CHANGED_LAYOUT,
	REASON_CHANGED_EXPORT,
	REASON_CHANGED_ALIAS,
	REASON_CHANGED_INIT,
	REASON_CHANGED_TABLE,
	REASON_CHANGED_TRACEPOINT,
	REASON_NOT_TRACEABLE,
	REASON_STATIC_LOCAL_REMOVED,
	REASON_STATIC_LOCAL_UNCLEAR,
	REASON_UNKNOWN_REFERENCE,
	REASON_INIT_REFERENCE,
	REASON_UNSUPPORTED_SECTION,
	REASON_MODULE_KEY,
	REASON_SILENT_TRACEPOINT,
	REASON_UNSUPPORTED_RELOC,
	REASON_PATCHING_PATH,
	REASON_NEVER_ENDS,
	REASON_ENTRY_CODE,
	REASON_EXPORT_LIST,
	REASON_CHANGED_MODINFO,
	/* What the kernel is. */
	REASON_UNKNOWN_SYMBOL,
	REASON_AMBIGUOUS_SYMBOL,
	REASON_OTHER_MODULE,
	REASON_MODULE_RELOAD,
	REASON_NO_ENDBR,
	REASON_OVERRIDDEN,
	REASON_MISMATCH,
	REASON_NO_TYPES,
	REASON_CODES, /* how many there are */
};

enum reason_grade {
	REASON_REFUSAL, /* the patch cannot be applied live */
	REASON_WARNING, /* it can, but the reader should know */
	REASON_NOTE,    /* a part of the patch that changes nothing in this kernel */
};

struct reason {
	enum reason_code code;
	char *file;    /* source file below the tree, or object file; "" if it is about none */
	char *subject; /* function, variable, structure or section; "" if it is about the file */
	char *message; /* one sentence without full stop that names the subject: what, and why not
			*/
	char *hint;    /* a way round, if a better one than reason_hint() is known, else NULL */
};

/* Zeroed is empty. */
struct reason_list {
	struct reason *items;
	size_t n, cap;
};

void reason_list_free(struct reason_list *list);
#define _cleanup_reason_list_ _cleanup_(reason_list_free)

/*
 * Appends a reason; one that is there already is not repeated. `file` and `subject` may be NULL.
 * The strings are copied, control characters in them become '?'. ERR_NO_MEMORY, ERR_TOO_LARGE.
 */
int reason_add(struct reason_list *list, enum reason_code code, const char *file,
	       const char *subject, const char *format, ...) _printf_(5, 6) _warn_unused_;

/* Appends a copy of a reason, with its own hint if it has one. Errors as reason_add(). */
int reason_add_copy(struct reason_list *list, const struct reason *reason) _warn_unused_;

/* Sorts by code, file, subject and message. */
void reason_list_sort(struct reason_list *list);

/* How many of that grade there are. A patch is refused if reason_count(list, REASON_REFUSAL). */
size_t reason_count(const struct reason_list *list, enum reason_grade grade);

const char *reason_name(enum reason_code code);       /* "changed-data" */
const char *reason_title(enum reason_code code);      /* "initial values changed" */
const char *reason_hint(const struct reason *reason); /* the way round; "" if there is none */
enum reason_grade reason_grade(enum reason_code code);
const char *reason_grade_name(enum reason_grade grade); /* "refusal", "warning", "note" */
