/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacking Debian packages and tar files without trusting them: nothing is written outside the
 * destination, whatever names or links the archive holds, and nothing beyond the stated sizes.
 */
#pragma once

#include <limits.h>

#include "base/error.h"

/* Bounds on one archive. */
#define UNPACK_BYTES_MAX   (UINT64_C(8) << 30)
#define UNPACK_FILE_MAX    (UINT64_C(1) << 30)
#define UNPACK_ENTRIES_MAX 400000

/*
 * Decides where an entry goes. `name` is its path in the archive without a leading "./"; fill
 * `dest` with the relative path to write, or return false to leave the entry out.
 */
typedef bool (*unpack_map_fn)(void *user, const char *name, char dest[static PATH_MAX]);

struct unpack_options {
	const char *dest;  /* an existing folder */
	unpack_map_fn map; /* NULL: everything, under its own name */
	void *user;
	bool control; /* of a .deb: the control part instead of the data */
};

/*
 * Unpacks one part of a .deb (deb(5)), the data or the control part. Regular files, folders and
 * symbolic links are made, owned by the caller, with permissions 0644, 0755 or, if the owner may
 * execute it, 0755; hard links, devices and sockets are refused. Refused too: absolute paths, "..",
 * links that point outside the destination, an entry that would replace another one or pass through
 * a link. Errors: -errno, ERR_INVALID (not an archive, or damaged, or a refused entry),
 * ERR_TOO_LARGE. What was written before an error stays: unpack into a temporary folder.
 */
int unpack_deb(const char *path, const struct unpack_options *options, struct error *err);

/* The same for a tar file, compressed in any way that libarchive knows. */
int unpack_tar(const char *path, const struct unpack_options *options, struct error *err);
