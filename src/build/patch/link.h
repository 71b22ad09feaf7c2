/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From extracted code or sources to a linked module: wrapper, kbuild, strip. */
#pragma once

#include "build/patch/resolve.h"

#define LINK_SOURCES_MAX 64
#define LINK_MODULE_MAX  ((size_t)256 * 1024 * 1024) /* bytes of a module */

struct link_options {
	const char *name;    /* of the module, wire/names.h livepatch_module_name() */
	const char *version; /* of the patch, for its description */
};

/*
 * Appends the C source of the module's wrapper: struct klp_patch with the tables of objects,
 * functions, callbacks and states, and the functions that apply it. Objects are in the order of
 * their units, vmlinux first; of their functions, `a` has the run-pre result. ERR_INVALID (a state
 * in two versions), ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int link_wrapper(const struct analysis *a, const struct resolution *resolution, const char *version,
		 struct buf *out, struct error *err);

/*
 * Builds the module and appends its bytes to `out`. kbuild links wrapper and code, which runs
 * objtool over both; then debugging data is stripped. The same input gives the same bytes; symbols
 * that are not exported are still undefined. ERR_CHILD (kbuild, strip), and those of
 * link_wrapper().
 */
int link_module(const struct analysis *a, struct extract *const *extracts,
		const struct resolution *resolution, const struct link_options *options,
		struct buf *out, struct error *err);

/*
 * Compiles and links sources that are a livepatch module by themselves (their own struct klp_patch
 * and module_init()), and appends the module to `out`; its unexported symbols are still undefined.
 * `sources`: paths, 1 to LINK_SOURCES_MAX. They may include headers of their own folders and
 * <suture/livepatch.h>. ERR_CHILD (does not compile), ERR_INVALID (two of one name, or no .c file),
 * ERR_TOO_LARGE.
 */
int link_sources(const struct kbuild *kbuild, const char *const *sources, size_t n,
		 const struct link_options *options, struct buf *out, struct error *err);
