/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C files that another C file includes (fs/compat_binfmt_elf.c includes binfmt_elf.c): their code
 * is in the kernel more than once, or under another file's compile command.
 */
#pragma once

#include "base/error.h"
#include "package/name_list.h"

/*
 * Appends the C files of `tree` that name `path` ("fs/binfmt_elf.c") in an #include line, wherever
 * it stands: candidates. Looks in the folder of `path` and those above it, where the kernel has
 * them. Errors: ERR_NO_MEMORY, those of reading.
 */
int included_candidates(const char *tree, const char *path, struct name_list *ret,
			struct error *err);

/*
 * Asks the compiler whether `command` (that of a candidate, "… -c -o OBJECT SOURCE", run in `cwd`)
 * really reads `path`. False also if it cannot say, because this kernel does not compile the
 * candidate.
 */
bool included_is_read(const struct name_list *command, const char *cwd, const char *path);
