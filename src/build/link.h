/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From extracted code to a livepatch module: wrapper, kbuild, strip, livepatch relocations. */
#pragma once

#include "build/resolve.h"

#define LINK_SOURCES_MAX 64

struct link_options {
	const char *name;    /* of the module, wire/names.h livepatch_module_name() */
	const char *version; /* of the patch, for its description */
};

/*
 * Builds the module and appends its bytes to `out`. kbuild links wrapper and code, which runs
 * objtool over both; then debugging data is stripped and the symbols of `resolution` become
 * livepatch symbols. The same input gives the same bytes. Errors: ERR_CHILD (kbuild, strip),
 * those of convert_module(). What is left undefined is for module_check.h to find.
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
