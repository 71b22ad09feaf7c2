/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The patched source tree, as far as the compiler reads it: a private folder with the patched files
 * and, in the same places, symbolic links to all others that the units may read. A command whose
 * paths are moved there finds each file just where it finds it in the real tree, whether it is
 * named in quotes or in angle brackets, beside its reader or through a search folder; kbuild's own
 * -fmacro-prefix-map keeps __FILE__ the same. What was forgotten is missing, and the compiler says
 * so; it never reads an unpatched file instead.
 */
#pragma once

#include "build/source/source.h"
#include "package/name_list.h"

struct overlay;

/* Makes the folder for the tree (absolute path). */
int overlay_new(const char *tree, struct overlay **ret, struct error *err);
/* Removes it with all in it. */
void overlay_free(struct overlay *overlay);
DEFINE_CLEANUP(struct overlay *, overlay_free);
#define _cleanup_overlay_ _cleanup_(overlay_freep)

/* Writes the patched files, and links to `files` (relative to the tree; those that it does not have
 * are left out). */
int overlay_fill(const struct overlay *overlay, const struct source_set *sources,
		 const struct name_list *files, struct error *err);

/* Appends a compiler's arguments with every path of the tree moved here. */
int overlay_move(const struct overlay *overlay, const struct name_list *arguments,
		 struct name_list *ret, struct error *err);

/* Takes its place out of a message, so that files are named as in the tree. */
void overlay_unname(const struct overlay *overlay, struct error *err);

/* Its folder, for what belongs to the same build. */
const char *overlay_folder(const struct overlay *overlay);
