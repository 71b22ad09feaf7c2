/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The touched source files: read from the pristine tree, patched in memory, written as private
 * copies. The tree itself is never changed.
 */
#pragma once

#include "build/source/patch_file.h"

/* Largest source file. */
#define SOURCE_FILE_MAX (8 * 1024 * 1024)

struct source_line {
	const char *text; /* without newline; not terminated */
	uint32_t len;
	uint32_t origin; /* its number in the original, from 1; 0: added by a patch */
};

/* One file, with all patches so far. */
struct source_file {
	char *path; /* relative to the tree */
	struct source_line *lines;
	size_t line_count;
	size_t original_count; /* lines of the original */
	bool no_newline;       /* the last line ends without one */
	bool is_new;           /* the tree has no such file */
	struct buf original;
	struct arena *arena;
};

/* Every touched file, in the order in which patches touch them first. */
struct source_set {
	struct source_file **files;
	size_t n;
	char *tree; /* absolute path of the source tree */
};

int source_set_new(const char *tree, struct source_set **ret);
void source_set_free(struct source_set *set);
DEFINE_CLEANUP(struct source_set *, source_set_free);
#define _cleanup_source_set_ _cleanup_(source_set_freep)

/*
 * Applies a patch to the set, reading files as they are touched. Context must fit exactly (no
 * fuzz); a hunk may lie elsewhere than its header says, as long as it fits at one nearest place.
 * `name` is the patch's name in messages. The patch must outlive the set. Errors: ERR_INVALID (does
 * not apply, naming file and hunk; no such file), ERR_TOO_LARGE. A file that is reached through a
 * symbolic link is refused: it is appended to `reasons` and left alone.
 */
int source_set_apply(struct source_set *set, const struct patch_file *patch, const char *name,
		     struct reason_list *reasons, struct error *err);

/*
 * Appends the patched text of a file. Every line after a change says by #line which line of the
 * original it is, so that __LINE__ of untouched code does not change.
 */
int source_file_text(const struct source_file *file, struct buf *out);

/* True if the patched text differs from the original in more than comments, blanks and empty lines.
 */
bool source_file_changed(const struct source_file *file);
