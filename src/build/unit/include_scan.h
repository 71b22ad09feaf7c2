/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a C or assembler text may include, found without evaluating conditions. What it
 * names is a superset of what the compiler can read: both sides of an #if, every name that
 * __has_include() asks for, and the headers that macros name which other #include lines use
 * (`#define TRACE_INCLUDE_FILE sched`).
 */
#pragma once

#include "package/name_list.h"

/*
 * Appends each name once, with the character before it that says where the search begins: "\"x.h"
 * (the folder of the including file), "<linux/x.h". Comments, strings and continued lines are read
 * as the C preprocessor reads them. ERR_NO_MEMORY, ERR_TOO_LARGE.
 */
int include_scan(const char *text, size_t len, struct name_list *ret);

/* Does a name, as include_scan() gives it, lead from the file at `path` below `tree` to what is not
 * of the kernel's source? By its text; only whether a name with ".." in it is in the tree is asked
 * of the disk. */
bool include_leads_out(const char *tree, const char *path, const char *name);
