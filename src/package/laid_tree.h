/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A source tree with the files of another one laid over it, that costs little: what is the same is
 * a hard link to the plain tree's file, or a copy where the file system has no such links.
 *
 * Files of the plain tree are never written to: a file that differs takes the link's place.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/*
 * Makes the folder `dest` (which must not exist, and may be left half made on failure): all of
 * `plain`, and in the place of a regular file of it, or in addition to its files, each regular file
 * of `over`, which is moved there if it differs. All are paths of folders on one file system.
 * `ret_laid` is how many files were moved. Errors: -errno, ERR_INVALID (neither file, folder nor
 * symbolic link; a file over a folder or link), ERR_NO_MEMORY.
 */
int laid_tree_make(const char *plain, const char *over, const char *dest, size_t *ret_laid,
		   struct error *err);
