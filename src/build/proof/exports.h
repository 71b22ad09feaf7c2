/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exported symbols keep their versions: the CRC that genksyms computes over a prototype and every
 * type that it reaches (scripts/genksyms) must be the one in Module.symvers, or modules that were
 * compiled for the kernel as it was would call the patched one in another way.
 */
#pragma once

#include "build/unit/compile.h"
#include "build/object/symvers.h"
#include "elf/object.h"

/* Does the object export anything? */
bool exports_any(const struct elf_object *object);

/*
 * Appends what of a C file counts for versions: everything but comments, white space and the bodies
 * of functions. Equal outlines have equal versions, as long as the headers are the same. `out` must
 * have room for `len` + 1 bytes. ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int exports_outline(const char *text, size_t len, struct buf *out);

/* Appends the patched text as genksyms is to read it: without the #include lines that a patch adds.
 */
int exports_text(const struct source_file *file, struct buf *out);

/* Calls `differs` for each version that genksyms printed ("#SYMVER name 0x…", or "__crc_name =
 * 0x…;" until 5.17) and Module.symvers has otherwise. Counts all that Module.symvers has. */
int exports_compare(char *output, const struct symvers *symvers,
		    int (*differs)(void *user, const char *name), void *user, size_t *ret_count);

/*
 * Compares the versions of a unit's exports, unless its outline is unchanged: REASON_CHANGED_EXPORT
 * for each that the patch changes, REASON_MISMATCH for each that the original has otherwise than
 * the kernel already. `overlay` holds the patched `sources`; both NULL: only the original, always.
 * ret_count (may be NULL): how many were compared. Errors: ERR_CHILD (genksyms), ERR_NO_MEMORY, …
 */
int exports_check(const struct kbuild *kb, const struct source_set *sources,
		  const struct overlay *overlay, const struct unit *unit,
		  const struct symvers *symvers, struct reason_list *reasons, size_t *ret_count,
		  struct error *err);
