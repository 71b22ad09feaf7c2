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
