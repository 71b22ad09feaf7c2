/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An initramfs as the kernel takes it: a cpio archive of the "newc" form
 * (Documentation/driver-api/early-userspace/buffer-format.rst), written through libarchive.
 * Everything in it belongs to root and has time 0, so that the same input gives the same bytes.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

#define INITRAMFS_FILE_MAX  (256 * 1024 * 1024)
#define INITRAMFS_ENTRY_MAX 65536

/* Uncompressed boots fastest: unpacking costs the emulated processor more than reading does. */
enum initramfs_compression { INITRAMFS_PLAIN, INITRAMFS_GZIP, INITRAMFS_ZSTD };

struct initramfs;

/* Starts an archive at `path`, which must not be read before initramfs_finish(). */
int initramfs_create(const char *path, enum initramfs_compression compression,
		     struct initramfs **ret, struct error *err);
/* Completes the file and frees. Without it, initramfs_free() removes the unfinished file. */
int initramfs_finish(struct initramfs *fs, struct error *err);
void initramfs_free(struct initramfs *fs);
DEFINE_CLEANUP(struct initramfs *, initramfs_free);

/*
 * Paths in the guest are absolute, without "." and ".." parts. The folders above an entry are made
 * as needed (0755). What is there already stays as it is and is no error: the first one wins.
 */
int initramfs_add_dir(struct initramfs *fs, const char *path, mode_t mode, struct error *err);
int initramfs_add_bytes(struct initramfs *fs, const char *path, mode_t mode, const void *data,
			size_t len, struct error *err);
/* A host's regular file, of at most INITRAMFS_FILE_MAX bytes; `mode` 0 keeps its permission. */
int initramfs_add_file(struct initramfs *fs, const char *path, mode_t mode, const char *host_path,
		       struct error *err);
int initramfs_add_link(struct initramfs *fs, const char *path, const char *target,
		       struct error *err);
int initramfs_add_device(struct initramfs *fs, const char *path, mode_t mode, unsigned major,
			 unsigned minor, struct error *err);
/* A program to `path` with its loader and libraries (shared_objects.h) to where they are here. */
int initramfs_add_program(struct initramfs *fs, const char *path, const char *host_path,
			  struct error *err);
