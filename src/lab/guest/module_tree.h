/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules of a kernel package (lib/modules/RELEASE), by name, with what they depend on. A
 * package that was only unpacked has no modules.dep (depmod makes it), so the dependencies come
 * from the modules themselves (.modinfo: depends, softdep).
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define MODULE_FILE_MAX (64 * 1024 * 1024)

struct module_tree;

/* Lists `dir`, the folder that holds `kernel/` and `modules.builtin`. */
int module_tree_open(const char *dir, struct module_tree **ret, struct error *err);
void module_tree_free(struct module_tree *tree);
DEFINE_CLEANUP(struct module_tree *, module_tree_free);

/* '-' and '_' are the same in module names. */
bool module_tree_has(const struct module_tree *tree, const char *name);
bool module_tree_is_builtin(const struct module_tree *tree, const char *name);

/* A module in the order of loading. Belongs to the tree. */
struct module_file {
	const char *name;    /* with underscores */
	const uint8_t *data; /* decompressed */
	size_t len;
};

/*
 * Asks for a module: it and what it needs is put at the end of the order of loading, as far as it
 * is not there already. A module built into the kernel needs nothing.
 * Errors: ERR_NOT_FOUND (no such module), ERR_INVALID, ERR_TOO_LARGE.
 */
int module_tree_want(struct module_tree *tree, const char *name, struct error *err);
size_t module_tree_count(const struct module_tree *tree);
struct module_file module_tree_get(const struct module_tree *tree, size_t i);

/* Appends a file's bytes, through the compression that they show (xz, zstd, gzip or none). */
int module_tree_read_file(const char *path, struct buf *out, struct error *err);
