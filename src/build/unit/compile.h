/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiling what a patch touches, before and after it, with the kernel's own command lines.
 *
 * The compiler is called directly, for original and patched source at once, with each function and
 * variable in a section of its own. Nothing is run through objtool. Objects are kept in the
 * kernel's cache (`units/`): the original's, and the last patched one.
 */
#pragma once

#include "build/unit/kbuild.h"
#include "build/unit/overlay.h"

/* Longest name of a unit in symbols. */
#define UNIT_ID_MAX 64

/* Four arguments of the compiler: the types of a unit for layout.h, also those that only the other
 * side of a comparison uses. Nothing else is asked of the debugging data, and the code stays as it
 * is. */
#define COMPILE_TYPES_FLAGS \
	"-gdwarf-5", "-gz=none", "-fno-var-tracking", "-fno-eliminate-unused-debug-types"

/* One object of the kernel: a source file as it is compiled for one place. */
struct unit {
	char *path;               /* its source file, relative to the tree: "fs/proc/version.c" */
	char id[UNIT_ID_MAX + 1]; /* the path as a C name */
	char *object_path;        /* relative to the build folder, e.g. "fs/proc/version.o" */
	char *object;             /* "vmlinux", or the module's name with underscores */
	struct name_list command; /* how kbuild compiles it; empty: see prebuilt.h */
	bool external;            /* of a module that is not part of the kernel (external.h) */
	/* Object files. */
	struct buf stock;    /* as kbuild compiles it; empty until compile_stock() */
	struct buf original; /* in sections */
	struct buf patched;  /* in sections */
	/* The kernel sets constants in this unit's code while it boots, which it does not do for
	 * modules: original and patched read the variables instead, so that only `stock` can be
	 * compared with the shipped code. */
	bool runtime_const;
};

/* Largest object file, in bytes. */
#define UNIT_OBJECT_MAX ((size_t)256 * 1024 * 1024)

struct unit_set {
	struct unit *units;
	size_t n, cap;
};

void unit_set_free(struct unit_set *set);
#define _cleanup_unit_set_ _cleanup_(unit_set_free)

/*
 * Appends the object `object_path`, compiled by `command` (moved) from `path`, once for each module
 * that it is linked into. ERR_NO_MEMORY.
 */
int unit_set_add(struct unit_set *set, const char *path, const char *object_path,
		 struct name_list *command, struct error *err);

/* Appends a unit without a command, of the module `object`. ERR_NO_MEMORY. */
int unit_set_add_object(struct unit_set *set, const char *path, const char *object_path,
			const char *object, struct error *err);

/*
 * Compiles every unit before and after the patch. `key` (hexadecimal digits) stands for all patched
 * texts: a patched object of that key is taken from the cache. Errors: ERR_CHILD (with the
 * compiler's words: the patched file does not compile), ERR_INVALID.
 */
int compile_units(const struct kbuild *kb, const struct overlay *overlay, const char *key,
		  struct unit_set *set, struct error *err);

/* Compiles the original once more without sections, as the kernel was built: the last proof for
 * functions that sections change. Fills unit->stock. ERR_CHILD. */
int compile_stock(const struct kbuild *kb, struct unit *unit, struct error *err);

/* Appends what genksyms prints of the unit's exports: of the patched source, or in its place of
 * `text` (may be NULL), or with `overlay` NULL of the original source. ERR_CHILD. */
int compile_versions(const struct kbuild *kb, const struct overlay *overlay, const struct buf *text,
		     const struct unit *unit, struct buf *ret, struct error *err);

/* Compiles only the originals, in sections, of every object that the kernel has of the source file
 * `path` ("fs/proc/version.c"). Errors: ERR_NOT_FOUND (its configuration does not compile the
 * file), ERR_CHILD. */
int compile_original(const struct kbuild *kb, const char *path, struct unit_set *ret,
		     struct error *err);
