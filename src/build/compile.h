/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiling the touched files, before and after the patch, with the kernel's own command lines.
 *
 * kbuild is asked once for a file's command line (make -n). With that line the compiler is called
 * directly, for original and patched source at once, with each function and variable in a section
 * of its own. Nothing is run through objtool. Command lines and objects of originals are kept in
 * the kernel's cache (`units/`).
 */
#pragma once

#include "build/kbuild.h"
#include "build/source.h"

/* Longest name of a unit in symbols. */
#define UNIT_ID_MAX 64

struct unit {
	const struct source_file *file; /* not owned */
	char id[UNIT_ID_MAX + 1];       /* the path as a C name */
	char *object_path;              /* relative to the build folder, e.g. "fs/proc/version.o" */
	char *object;                   /* "vmlinux", or the module's name with underscores */
	/* Object files. */
	struct buf stock;    /* as kbuild compiles it; empty until compile_stock() */
	struct buf original; /* in sections */
	struct buf patched;  /* in sections */
	/* The kernel sets constants in this unit's code while it boots, which it does not do for
	 * modules: original and patched read the variables instead, so that only `stock` can be
	 * compared with the shipped code. */
	bool runtime_const;
};

struct unit_set {
	struct unit *units;
	size_t n;
};

void unit_free(struct unit *u);
void unit_set_free(struct unit_set *set);
#define _cleanup_unit_set_ _cleanup_(unit_set_free)

/*
 * Compiles all changed files of the set; those that a patch leaves as they were are left out. Files
 * that this kernel's configuration does not compile are appended to `reasons` and left out.
 * Errors: ERR_CHILD (with the compiler's words: the patched file does not compile), ERR_INVALID.
 */
int compile_units(const struct kbuild *kb, const struct source_set *sources,
		  struct reason_list *reasons, struct unit_set *ret, struct error *err);

/* Compiles the original once more without sections, as the kernel was built: the last proof for
 * functions that sections change. Fills unit->stock. ERR_CHILD. */
int compile_stock(const struct kbuild *kb, struct unit *unit, struct error *err);

/* Appends what genksyms prints of the unit's exports: of that text, or with `text` NULL of the
 * original source. ERR_CHILD. */
int compile_versions(const struct kbuild *kb, const struct buf *text, const struct unit *unit,
		     struct buf *ret, struct error *err);

/* Compiles only the original, in sections. `file` needs no lines, and must outlive the unit, which
 * is for unit_free(). Errors: ERR_NOT_FOUND (this kernel's configuration does not compile the
 * file), ERR_CHILD. */
int compile_original(const struct kbuild *kb, const struct source_file *file, struct unit *ret,
		     struct error *err);
