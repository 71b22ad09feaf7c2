/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of owned strings: package names, versions, paths, lines of output. */
#pragma once

#include "base/error.h"

/* Most strings that a list takes. */
#define NAME_LIST_MAX 200000

struct name_list {
	char **items; /* owned */
	size_t n;
	size_t cap;
};

void name_list_free(struct name_list *list);
#define _cleanup_name_list_ _cleanup_(name_list_free)

/* Appends a copy of the first `len` bytes of `text`. ERR_TOO_LARGE, ERR_NO_MEMORY. */
int name_list_add_n(struct name_list *list, const char *text, size_t len) _warn_unused_;
int name_list_add(struct name_list *list, const char *text) _warn_unused_;
bool name_list_has(const struct name_list *list, const char *text);
/* Sorts by bytes (strcmp). */
void name_list_sort(struct name_list *list);
/* Appends each non-empty line of a text, without its newline. */
int name_list_add_lines(struct name_list *list, const char *text) _warn_unused_;
