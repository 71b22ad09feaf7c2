/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A livepatch module of which some functions are left out: their entries in its tables
 * (module/tables.h) are, nothing is compiled again.
 */
#pragma once

#include "base/buf.h"
#include "module/tables.h"

/* A module that can be taken apart. Zero-initialise. */
struct livepatch_subset {
	struct elf_object *module;
	struct tables tables;
};

/* `data`: the module's file, any bytes, with or without a signature. Errors: those of
 * elf_object_parse() and tables_read(): a livepatch that fills its tables in when it is loaded is
 * refused. */
int livepatch_subset_read(const void *data, size_t len, struct livepatch_subset *ret,
			  struct error *err);
void livepatch_subset_free(struct livepatch_subset *subset);
#define _cleanup_livepatch_subset_ _cleanup_(livepatch_subset_free)

/*
 * Appends the module, unsigned, that replaces only the functions i of tables.functions with
 * keep[i]. An object may lose all of them: the kernel takes that. Callbacks and states stay as they
 * are, and so do calls between the new functions. Can be called once, since it changes `subset`.
 * ERR_INVALID: the written module, read again, would not be that one, as its tables lie in each
 * other.
 */
int livepatch_subset_write(struct livepatch_subset *subset, const bool *keep, struct buf *out,
			   struct error *err);
