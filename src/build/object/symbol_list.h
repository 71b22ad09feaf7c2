/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often an object of the kernel has certain names, for `suture-build diff`: counted in a text
 * as nm(1), System.map and /proc/kallsyms have it, or in a kernel of the cache. First say which
 * names are wanted, then read: the list is never held in memory as a whole.
 */
#pragma once

#include "base/error.h"

/* Longest line of a text, in bytes. */
#define SYMBOL_LINE_MAX ((size_t)64 << 10)

struct symbol_list;

/* NULL without memory. */
struct symbol_list *symbol_list_new(void);
void symbol_list_free(struct symbol_list *list);
DEFINE_CLEANUP(struct symbol_list *, symbol_list_free);
#define _cleanup_symbol_list_ _cleanup_(symbol_list_freep)

/* Names to count; `name` must outlive the list. ERR_NO_MEMORY. */
int symbol_list_want(struct symbol_list *list, const char *name) _warn_unused_;

/*
 * Counts in lines `ADDRESS TYPE NAME`, where the address may be missing, without undefined symbols
 * (types U, w and v). Lines with a fourth field `[module]`, which /proc/kallsyms adds, count only
 * if `object` is that module. Errors: ERR_INVALID with the line's number, or of reading.
 */
int symbol_list_read(struct symbol_list *list, const char *path, const char *object,
		     struct error *err);
/*
 * Counts in vmlinux or a module of a kernel in the cache. The names of vmlinux are written down as
 * a text beside it (`symbols`) the first time. Errors of kernel_open(), shipped_open() and
 * symbol_list_read().
 */
int symbol_list_read_kernel(struct symbol_list *list, const char *release, const char *object,
			    struct error *err);

/* How often the object has a wanted name. */
size_t symbol_list_count(const struct symbol_list *list, const char *name);
