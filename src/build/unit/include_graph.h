/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which compiled file reads which other file: the #include lines of everything that a kernel is
 * compiled from, followed through the folders that the compiler is given.
 *
 * The graph says too much rather than too little: conditions are not evaluated (include_scan.h),
 * and a name that the folder of its file does not have stands for every file that any unit's
 * folders offer for it. Whether a unit's text really changes, the preprocessor decides afterwards.
 *
 * Scanning takes seconds; the result is kept in the kernel's cache (`units/includes`).
 */
#pragma once

#include "base/hash.h"
#include "build/unit/unit_list.h"

struct include_graph;

/* Loads the graph, making it first if the cache has none, one of another version of this program or
 * a damaged one. Errors: those of reading, ERR_NO_MEMORY. */
int include_graph_load(const struct kbuild *kb, const struct unit_list *units,
		       struct include_graph **ret, struct error *err);
/* Removes the graph from the cache: the build folder has got more files. */
int include_graph_forget(const struct kbuild *kb, struct error *err);
/* A number for the state of all files that units read, by their sizes and times, and for `code`:
 * another one as soon as a file changes. What include_graph_add() adds does not count. */
int include_graph_stamp(const struct include_graph *graph, const char *code,
			char ret[static SHA256_HEX_LEN + 1], struct error *err);
void include_graph_free(struct include_graph *graph);
DEFINE_CLEANUP(struct include_graph *, include_graph_free);
#define _cleanup_include_graph_ _cleanup_(include_graph_freep)

/*
 * Adds the patched text of a file: what it includes now, besides what it included before. A file
 * that the tree does not have is read by all that would find it in place of another of that name,
 * or looked for such a name in vain. `path` is relative to the source tree.
 */
int include_graph_add(struct include_graph *graph, const char *path, const char *text, size_t len,
		      struct error *err);

/* Marks every file that reads `path`, itself included, directly or not. */
void include_graph_mark(struct include_graph *graph, const char *path);
void include_graph_unmark_all(struct include_graph *graph);
bool include_graph_is_marked(const struct include_graph *graph, const char *path);

/* Appends all files of the source tree that `path` may read, itself included. Those that `ret` has
 * from an earlier call with the same graph come once. */
int include_graph_closure(struct include_graph *graph, const char *path, struct name_list *ret,
			  struct error *err);
