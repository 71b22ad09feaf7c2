/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a module's bytes depend on, beside the source patches: hashes for the build record, so that
 * a build can be repeated and compared (docs/formats.md, "Build record").
 */
#pragma once

#include "build/patch/analysis.h"
#include "wire/record.h"

/*
 * Appends the inputs to the record, sorted by name: the kernel's configuration and Module.symvers,
 * the sources of its objtool and modpost, the compiler's, the assembler's and the linker's
 * programs, the file of each module that was compared or asked for symbols, and the original of
 * each compiled source. Errors: those of reading, ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int inputs_collect(const struct analysis *a, struct record *record, struct error *err);

/* One hash over a folder: of the lines "PATH HASH" of all its files, deeper ones too, in the order
 * of names, without those that begin with a dot. Errors: those of reading. */
int inputs_hash_tree(const char *folder, char ret[static 65], struct error *err);
