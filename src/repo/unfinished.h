/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Key files that a command is about to make: DIR/unfinished names them, one a line, "<key ID>
 * <path>". It comes before the first of them and goes when all is done, so that the next command
 * takes back what one that was ended left, and nothing else.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define UNFINISHED_FILE "unfinished"
#define UNFINISHED_MAX  ((size_t)1024 * 1024) /* bytes of the list */

/* Appends a line to a list in memory. ERR_NO_MEMORY, ERR_TOO_LARGE. */
int unfinished_add(struct buf *list, const char *key_id, const char *path, struct error *err);
/* Writes the list in place of the one of the working folder `dir`. */
int unfinished_write(const char *dir, const struct buf *list, struct error *err);
/* Takes the list away; none is no error. */
int unfinished_end(const char *dir, struct error *err);
bool unfinished_is_there(const char *dir);

/* Is it a key that is in use, or none that such a command makes? */
typedef bool (*unfinished_spare_fn)(void *user, const char *key_id, const char *path);

/*
 * Takes back the keys of the list, if there is one, but not those that `spare` says (NULL: all).
 * Only a file that holds the very key is removed, also one that has not got its
 * name yet; what else has its name is left alone, and named on standard error. The list stays.
 */
int unfinished_take_back(const char *dir, unfinished_spare_fn spare, void *user, struct error *err);
