/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing list of strings that it owns, each once. */
#pragma once

#include "base/error.h"

#define PATH_LIST_MAX 4096

struct path_list {
	char **items; /* NULL-terminated once something is in it */
	size_t n;
};

void path_list_free(struct path_list *list);
#define _cleanup_paths_ _cleanup_(path_list_free)

bool path_list_has(const struct path_list *list, const char *item);
/* Adds a copy of `item`. 1 if it is new, 0 if it was there; ERR_TOO_LARGE over PATH_LIST_MAX,
 * ERR_NO_MEMORY. */
int path_list_add(struct path_list *list, const char *item);
