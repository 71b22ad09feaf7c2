/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that compilers and kernel macros make, and a table that finds things by name. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"

/* True for names with a number that may differ between builds: `count.12`, `__UNIQUE_ID_x77`,
 * `__initcall__kmod_x__1_2_f6`. */
bool name_is_numbered(const char *name);
/* The name without what the compiler added: `count.12` and `count.7` give `count`,
 * `f.constprop.0.isra.1` gives `f`. In the arena; NULL without memory. */
const char *name_base(struct arena *arena, const char *name);
/* True for `f.cold` and `f.cold.3`; the parent's length in bytes through `ret_parent`. */
bool name_is_cold(const char *name, size_t *ret_parent);
struct name_entry {
	const char *name;
	VEC(void *) items; /* in the order they were added */
};

struct name_table;

struct name_table *name_table_new(void);
void name_table_free(struct name_table *table);
DEFINE_CLEANUP(struct name_table *, name_table_free);
#define _cleanup_name_table_ _cleanup_(name_table_freep)
/* `name` is kept by reference. 0 or ERR_NO_MEMORY. */
int name_table_add(struct name_table *table, const char *name, void *item) _warn_unused_;
/* NULL when there is none of that name. */
const struct name_entry *name_table_find(const struct name_table *table, const char *name);
/* Calls `fn` for each entry in the order of first addition, until it returns nonzero. */
int name_table_each(const struct name_table *table,
		    int (*fn)(const struct name_entry *entry, void *user), void *user);
