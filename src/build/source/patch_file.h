/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source patches: unified diffs as git and diff -u write them, read strictly, and the rules of
 * which files of a kernel a live patch may touch. A patch is outside input: nothing in it is
 * executed or opened here.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "build/output/reason.h"

#define PATCH_SIZE_MAX  (16 * 1024 * 1024)
#define PATCH_FILES_MAX 1024
#define PATCH_HUNKS_MAX 65536
#define PATCH_PATH_MAX  1024

/* One line of a hunk. */
struct patch_line {
	char kind;        /* ' ' context, '-' removed, '+' added */
	const char *text; /* without kind and newline; not terminated */
	uint32_t len;
	bool no_newline; /* "\ No newline at end of file" followed */
};

struct patch_hunk {
	uint32_t old_start, old_count; /* lines, from 1 */
	uint32_t new_start, new_count;
	uint32_t line; /* of its "@@" in the patch, for messages */
	struct patch_line *lines;
	uint32_t line_count;
};

struct patch_entry {
	const char *path; /* relative to the source tree */
	bool is_new;      /* the tree has no such file: a header */
	struct patch_hunk *hunks;
	uint32_t hunk_count;
};

/* A patch as read. Lines point into the caller's text. */
struct patch_file {
	struct patch_entry *entries;
	size_t entry_count;
	struct arena *arena;
};

/*
 * Reads a patch (`text` must outlive the result). A patch that cannot be read is ERR_INVALID with
 * the line. What a live patch cannot or must not do is no error of reading: each such thing is
 * appended to `reasons` and leaves its entry out of the result:
 * unsafe paths, binary, renamed, copied and deleted files, new ones that are no headers, changed
 * modes, and the files that patch_path_refusal() names. `name` is the patch's name in messages.
 */
int patch_file_parse(const char *text, size_t len, const char *name, struct reason_list *reasons,
		     struct patch_file **ret, struct error *err);
void patch_file_free(struct patch_file *patch);
DEFINE_CLEANUP(struct patch_file *, patch_file_free);
#define _cleanup_patch_file_ _cleanup_(patch_file_freep)

/*
 * Why a file of the kernel source cannot be part of a live patch, or NULL if it may be: what kbuild
 * would execute or read as rules, code that runs before or outside the kernel, assembler, other
 * architectures, and whatever is not C. *ret_code (may be NULL) is set where there is a why.
 */
const char *patch_path_refusal(const char *path, enum reason_code *ret_code);

/* Is it text that C files include: a header, or a table of macros (.inc, .def)? */
bool patch_path_is_header(const char *path);
