/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that kbuild compiles for a kernel's configuration, each object with its source and the
 * compiler's whole command line: what `make -n` of the kernel's folders says. Asked once a kernel
 * and kept in its cache (`units/list`).
 */
#pragma once

#include "build/unit/kbuild.h"

/* One object. Strings belong to the list. */
struct unit_entry {
	const char *object;  /* relative to the build folder: "fs/proc/version.o" */
	const char *source;  /* relative to the source tree: "fs/proc/version.c"; generated ones
				relative to the build folder: "./crypto/x509.asn1.c" */
	const char *command; /* as a line of a .cmd file, for command_parse() */
};

struct unit_list {
	struct unit_entry *entries; /* sorted by object */
	size_t n;
	struct buf text;
};

void unit_list_free(struct unit_list *list);
#define _cleanup_unit_list_ _cleanup_(unit_list_free)

/* Reads the list from the cache; asks kbuild first if it is not there or other code made it, which
 * takes seconds. Errors: ERR_CHILD (make's words), ERR_INVALID (a damaged cache). */
int unit_list_load(const struct kbuild *kb, struct unit_list *ret, struct error *err);

/* Is there a list of this version in the cache? */
bool unit_list_is_cached(const struct kbuild *kb);

/* Is it an object with code of the kernel? Not so for programs that run before it or outside it
 * (decompressor, real mode, EFI stub, purgatory): nothing of them is running. */
bool unit_entry_is_kernel(const struct unit_entry *entry);

/* Is it no object itself, but something that all are made with: the constants that the compiler
 * works out for the assembler and for headers (asm-offsets.s, bounds.s), the linker's script? */
bool unit_entry_shapes_kernel(const struct unit_entry *entry);

/* Lets kbuild make objects, and with them what they are compiled from. Errors: ERR_CHILD. */
int unit_list_make(const struct kbuild *kb, const struct name_list *objects, struct error *err);

/* Makes the sources of the list that the build generates, if one is missing; *ret_made says so. */
int unit_list_make_sources(const struct kbuild *kb, const struct unit_list *list, bool *ret_made,
			   struct error *err);

/*
 * Picks the compiler's calls for objects, for constants (`-S`) and for the linker's script
 * (`compiler` is its name) out of what make prints and appends the text
 * of a list: a line each, "OBJECT\tSOURCE\tsavedcmd_OBJECT := COMMAND", sorted, each object once.
 * `tree` is the source tree's absolute path. Tools that run while building are left out.
 */
int unit_list_from_make(const char *output, const char *compiler, const char *tree, struct buf *ret,
			struct error *err);

/* Reads such a text, which moves into the list. */
int unit_list_parse(struct buf *text, struct unit_list *ret, struct error *err);

/*
 * Takes "." and ".." out of a relative path, in place, by its text alone. A "./" in front stays: it
 * says that the path is relative to the build folder. False if the path leaves its root.
 */
bool path_normalize(char *path);
