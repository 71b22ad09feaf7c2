/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an xz file on all processors at once. xz packs large files in blocks that can be unpacked
 * apart, and a kernel's source, 1.4 GB of it, has some sixty.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/* Most memory for the blocks in work; with less than that, fewer are unpacked at once. */
#define UNXZ_MEMORY_MAX (UINT64_C(1) << 30)

/* The first bytes of every xz file. */
#define UNXZ_MAGIC \
	"\xfd"     \
	"7zXZ"
#define UNXZ_MAGIC_LEN 6

/* Gives up to `size` packed bytes; 0 at the end, -1 when they cannot be read. */
typedef ssize_t (*unxz_source_fn)(void *user, void *bytes, size_t size);

struct unxz;

/* `user` must outlive it. ERR_NO_MEMORY. */
int unxz_new(unxz_source_fn source, void *user, struct unxz **ret);
void unxz_free(struct unxz *x);
DEFINE_CLEANUP(struct unxz *, unxz_free);
#define _cleanup_unxz_ _cleanup_(unxz_freep)

/*
 * The next unpacked bytes, which stay valid until the next call; 0 at the end. -1: damaged, or not
 * to be read; *ret_why is then a few words (static).
 */
ssize_t unxz_read(struct unxz *x, const void **ret, const char **ret_why);
