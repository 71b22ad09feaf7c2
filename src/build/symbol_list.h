/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which names an object of the kernel has, for `suture-build diff`: from a text as nm(1),
 * System.map and /proc/kallsyms have it, or from a kernel in the cache.
 */
#pragma once

#include "base/error.h"

/* Largest text that is read. */
#define SYMBOL_LIST_MAX ((size_t)64 << 20)

struct symbol_list;

/*
 * Reads lines `ADDRESS TYPE NAME`, where the address may be missing for undefined symbols (types U
 * and w, not counted). Lines with a fourth field `[module]`, which /proc/kallsyms adds, count only
 * if `object` is that module. Errors: ERR_INVALID with the line's number, and those
 * of file_read().
 */
int symbol_list_load(const char *path, const char *object, struct symbol_list **ret,
		     struct error *err);
/* The names of vmlinux or a module of a kernel in the cache; errors of kernel_open() and
 * shipped_open(). */
int symbol_list_of_kernel(const char *release, const char *object, struct symbol_list **ret,
			  struct error *err);
void symbol_list_free(struct symbol_list *list);
DEFINE_CLEANUP(struct symbol_list *, symbol_list_free);
#define _cleanup_symbol_list_ _cleanup_(symbol_list_freep)

/* How often the object has a name. */
size_t symbol_list_count(const struct symbol_list *list, const char *name);
