/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares two builds of one translation unit, before and after a source change, function by
 * function, and decides whether the change can be live-patched.
 *
 * Both objects are best compiled with -ffunction-sections -fdata-sections; they may have been
 * through objtool, whose tables are then left out. Symbols are paired one to one; a function is
 * unchanged if its bytes are equal and each relocation points to the same thing under that pairing
 * (string and constant contents, paired symbols, equal offsets), including its entries in the
 * special sections. So whatever pairing is chosen, unchanged code and data of the running kernel
 * stay consistent with the replaced functions; only for mutable data does the choice matter, and
 * there an ambiguous one is refused.
 */
#pragma once

#include "base/vec.h"
#include "build/output/reason.h"
#include "build/object/special.h"

enum diff_verdict {
	DIFF_ACCEPTED,  /* something changed, and it can be live-patched */
	DIFF_NO_CHANGE, /* no code and no data changed */
	DIFF_REFUSED,   /* see the reasons */
};

/* A function that is replaced, or that is new. */
struct diff_function {
	const char *name; /* as the kernel's kallsyms have it: the original's name, with its suffix;
			     of a new function the patched object's name */
	const char *symbol; /* global symbol of this code in the extracted object */
	const char *file;   /* source file as the object's STT_FILE says ("cmdline.c"), or NULL */
	bool local;         /* not global in the original: the name may be used elsewhere too */
	bool weak;          /* another file may override it: check that the kernel has this one */
	uint64_t size;      /* of the original's code; of a new function its own */
};

struct diff_data {
	const char *name;    /* in the patched object */
	const char *section; /* in the patched object */
	uint64_t size;
	bool local; /* not global: other files cannot mean it */
};

struct diff_result {
	enum diff_verdict verdict;
	const struct diff_function *changed; /* sorted by name, as all lists here */
	size_t changed_count;
	const struct diff_function *added;
	size_t added_count;
	const struct diff_data *data; /* new named data that the functions above need */
	size_t data_count;
	const struct reason *reasons; /* `file` is diff_options.name */
	size_t reason_count;
};

struct diff_options {
	const char *name; /* the unit in messages, e.g. "fs/proc/cmdline.o" */
	const char *unit; /* makes symbols of this unit unique in the module: 1 to 64 of
			     A-Z a-z 0-9 _, e.g. "fs_proc_cmdline"; NULL: "unit" */
	struct special_sizes sizes;
	/* objtool will run on the extracted code: tables that it made of the objects are left
	 * out */
	bool objtool_again;
};

struct diff;

/*
 * Compares. The objects are kept by reference and must outlive the diff; their `user` fields are
 * used. A change that cannot be live-patched is no error but a verdict with reasons. Errors:
 * ERR_INVALID (an object that contradicts itself), ERR_UNSUPPORTED, ERR_NO_MEMORY.
 */
int diff_objects(struct elf_object *original, struct elf_object *patched,
		 const struct diff_options *options, struct diff **ret, struct error *err);
void diff_free(struct diff *diff);
DEFINE_CLEANUP(struct diff *, diff_free);
#define _cleanup_diff_ _cleanup_(diff_freep)

/* Belongs to the diff. */
const struct diff_result *diff_result(const struct diff *diff);

/* One thing that was found out or decided about a function. */
struct diff_fact {
	const char *topic; /* "function" begins a new one; "paired", "changed", "needs", ... */
	const char *text;
};

struct diff_explanation {
	VEC(struct diff_fact) facts; /* strings belong to the diff */
};

/*
 * Says each decision about the functions called `name`, whatever the compiler added to their names:
 * how they were paired, whether and where they differ, what they drag along, who uses them. Zeroed
 * on entry. ERR_NOT_FOUND if neither object has such a function, ERR_NO_MEMORY.
 */
int diff_explain(struct diff *diff, const char *name, struct diff_explanation *ret,
		 struct error *err);
void diff_explanation_free(struct diff_explanation *explanation);
