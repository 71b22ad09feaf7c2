/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What patched files declare through <suture/livepatch.h>: callbacks and states, which are global
 * constants `suture_KIND.UNIT.N` of the patched object, and references `suture_sym.POS.OBJECT.NAME`
 * that say which symbol they mean.
 */
#pragma once

#include "build/diff/diff.h"

/* The header's name, and what it includes itself. */
#define DECLARED_HEADER   "suture/livepatch.h"
#define DECLARED_INCLUDES "<linux/livepatch.h>"

/* Writes the header below an include folder. Errors: those of writing. */
int declared_write_header(const char *folder, struct error *err);

/* The wrapper's struct klp_patch, as patched files know it. */
#define DECLARED_PATCH_SYMBOL "suture_patch"

enum declared_kind {
	DECLARED_CALLBACKS,
	DECLARED_STATE,
};

/* Is this new constant such a declaration? */
bool declared_is(const char *symbol, enum declared_kind kind);

/* Does the change declare anything? Then it counts, whatever it changes. */
bool declared_any(const struct diff_result *result);

/* The names of a change's declarations in the order in which they are written, for the caller to
 * free (the names belong to the diff). ERR_NO_MEMORY. */
int declared_list(const struct diff_result *result, enum declared_kind kind, const char ***ret,
		  size_t *ret_count);

/* What a SUTURE_STATE() says. ERR_INVALID for an object that does not hold it, or an id of 0. */
int declared_state(const struct elf_object *patched, const char *symbol, uint64_t *ret_id,
		   uint32_t *ret_version, struct error *err);

/* What a SUTURE_SYMBOL() says. */
struct declared_symbol {
	char object[56];  /* "vmlinux" or a module */
	const char *name; /* within the symbol */
	unsigned sympos;
};

/* Takes the name of such a reference apart. ERR_NOT_FOUND: it is an ordinary name; ERR_INVALID. */
int declared_symbol_parse(const char *symbol, struct declared_symbol *ret, struct error *err);
