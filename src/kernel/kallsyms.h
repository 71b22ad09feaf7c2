/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of functions in the running kernel, from /proc/kallsyms. */
#pragma once

#include "base/error.h"

/* One function that is looked for. `sympos` is 1-based over all names of the object in address
 * order, 0: the name must be unique (struct klp_func of the kernel's include/linux/livepatch.h). */
struct kernel_symbol {
	const char *object; /* "vmlinux" or the name of a module */
	const char *name;
	unsigned int sympos;
	uint64_t address; /* out; 0: not found, or ambiguous with sympos 0 */
};

/*
 * Fills in all addresses in one pass. A symbol that is not there keeps 0: that is no error.
 * ERR_UNSUPPORTED when the kernel shows only zeros (kptr_restrict, missing CAP_SYSLOG).
 */
int kernel_symbols_find(const char *root, struct kernel_symbol *symbols, size_t n,
			struct error *err);
