/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that are not part of the kernel: their touched files are compiled before and after the
 * patch by kbuild itself (M=), with the module's own Makefile, in a private copy of its source.
 */
#pragma once

#include "build/unit/compile.h"
#include "build/source/source.h"

#define EXTERNAL_SIZE_MAX ((uint64_t)1024 * 1024 * 1024) /* of the source, in bytes */

/*
 * Appends a unit for each changed file of `sources` (whose tree is the module's folder): original
 * and patched in sections, and `stock`. What the folder was built into before is not copied. Where
 * the compiler writes file names, they are those in the folder itself. ret_sha256 gets a hash over
 * the names and contents of all files. Files that are headers are appended to `reasons`. Errors:
 * ERR_CHILD (make's first complaint), ERR_TOO_LARGE, those of reading.
 */
int external_compile(const struct kbuild *kb, const struct source_set *sources,
		     struct reason_list *reasons, struct unit_set *set, char ret_sha256[static 65],
		     struct error *err);

/* Is every file that the patch touches there? */
bool external_has(const struct source_set *sources, const struct patch_file *patch);
