/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying a repository to where it is read, so that a reader never sees half: target files, then
 * delegated roles, targets, snapshot, root and timestamp, each file as one step. Copied is what was
 * verified and nothing else: each file's bytes are read once more and compared with its hash before
 * they are written.
 */
#pragma once

#include "base/buf.h"
#include "repo/walk.h"

/* Where it goes: a folder, unless both functions are given. */
struct publication {
	const char *from, *to;          /* folders that hold metadata/ and targets/; or a name */
	const struct walk_result *what; /* verified in `from` */
	/* Reads a file that is there; ERR_NOT_FOUND, ERR_TOO_LARGE. */
	int (*get)(void *user, const char *path, size_t max, struct buf *out, struct error *err);
	/* Puts a file there; ERR_EXISTS when it is there already, with these bytes. */
	int (*put)(void *user, const struct walk_file *file, const struct buf *data,
		   struct error *err);
	void *user;
	size_t copied, kept; /* files */
};

/*
 * Nothing is written when what is there is newer, or of another history (ERR_ROLLBACK), or another
 * repository (ERR_UNTRUSTED): its roots, its timestamp and its snapshot are compared. A timestamp
 * that cannot be read is an error; one that the newest root does not vouch for counts for nothing,
 * as with a client (keys were rotated). ERR_HASH when `from` is no longer what was verified.
 */
int publication_run(struct publication *p, struct error *err);
