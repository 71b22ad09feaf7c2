/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files: bounded reads, and writes that survive a power cut.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

DEFINE_CLEANUP(FILE *, fclose);
#define _cleanup_fclose_ _cleanup_(fclosep)

/* Appends all of a file to `out`, as far as out->max allows (ERR_TOO_LARGE beyond it). Refuses what
 * is neither a regular file nor one under /proc or /sys. Errors: -errno, ERR_TOO_LARGE. */
int file_read(const char *path, struct buf *out, struct error *err);
/* What a person names as input: a file as above, a pipe until its last writer closes it, or "-" for
 * standard input whatever that is. */
int file_read_input(const char *name, struct buf *out, struct error *err);
/* As file_read(), relative to a directory descriptor and never through a symbolic link at the last
 * step.
 */
int file_read_at(int dir_fd, const char *name, struct buf *out, struct error *err);
/* Appends what is left in a descriptor, to its end. */
int file_read_fd(int fd, struct buf *out, struct error *err);
/* A one-line file (sysfs, procfs) of at most 4095 bytes, without its final newline; the caller
 * frees. */
int file_read_line(const char *path, char **ret_line, struct error *err);

/* Writes all bytes to a descriptor, again after EINTR and short writes. */
int file_write_fd(int fd, const void *data, size_t len, struct error *err);

/*
 * Replaces a file as one step: a temporary file in the same folder, fsync, rename, fsync of the
 * folder. After a power cut the file holds the old bytes or the new ones. `mode` is the new file's
 * permission, whatever the umask. On failure the old file is untouched and no temporary one is
 * left. What is there and no regular file, such as a device, a pipe or a folder, is left alone
 * (ERR_INVALID); a link to a file is replaced, not followed.
 */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
		      struct error *err);
int file_write_atomic_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
			 struct error *err);

/* The name of a temporary file of these functions: ".new-", 16 hexadecimal digits, a zero. */
#define FILE_STAGED_MAX 22
/*
 * file_write_atomic_at() in two steps, for what must happen between them: file_stage_at() writes
 * and syncs the temporary file, file_commit_at() puts it in the place of `name`. On failure neither
 * leaves it behind; who does not come to the second step removes it.
 */
int file_stage_at(int dir_fd, const void *data, size_t len, mode_t mode,
		  char ret_staged[static FILE_STAGED_MAX], struct error *err);
int file_commit_at(int dir_fd, const char *staged, const char *name, struct error *err);
/* Whether a file of this name is what a killed writer left behind. */
bool file_is_leftover(const char *name);
/* Removes the files of a folder whose names match (NULL: file_is_leftover) and syncs the folder. */
int file_remove_matching(int dir_fd, bool (*matches)(const char *name), struct error *err);
/* The same for what killed writers left, in a folder that nobody is writing to; a missing folder is
 * no error. */
int file_remove_leftovers(const char *folder, struct error *err);

/* Writes a short string to an existing file in one write(2), as sysfs wants it. */
int file_write_sysfs(const char *path, const char *value, struct error *err);

/* Makes a folder and those above it that are missing, durably; existing ones are left as they are.
 */
int file_make_dirs(const char *path, mode_t mode, struct error *err);
/* Writes `path`, which is relative to `dir`, as file_write_atomic() does; folders that are missing
 * are made, with mode 0755. The caller has seen that the path is a safe one. */
int file_write_below(const char *dir, const char *path, const void *data, size_t len, mode_t mode,
		     struct error *err);
/* Removes a folder and all in it, never following a link or leaving its file system; a missing one
 * is no error. */
int file_remove_tree(const char *path, struct error *err);
/* Puts the folder `from` in the place of `to` on the same file system as one step, and removes what
 * was there, if anything. Once `to` is the new folder, no error is returned. */
int file_replace_tree(const char *from, const char *to, struct error *err);
/* Copies a regular file atomically (see file_write_atomic). */
int file_copy(const char *from, const char *to, mode_t mode, struct error *err);
/* Copies a regular file to where there is none, with its permissions, and does not wait for the
 * disk: for thousands of files in a folder that counts for nothing until it is complete. */
int file_copy_new(const char *from, const char *to, struct error *err);
/* Removes a file and syncs its folder; a missing one is no error. */
int file_remove(const char *path, struct error *err);

bool file_exists(const char *path);

/* Joins with exactly one '/' (all of `parts` up to NULL); the caller frees; NULL without memory. */
char *path_join(const char *first, ...) __attribute__((sentinel));
/* The part after the last '/'; points into `path`. */
const char *path_base(const char *path);
/* True if `path` is relative, has no empty, "." or ".." part and no control character. */
bool path_is_safe_relative(const char *path);
