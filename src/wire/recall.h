/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signed list of versions taken back (docs/formats.md, "Recall list"). */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define RECALL_MAX         ((size_t)256 * 1024)
#define RECALL_MAX_ENTRIES 1024
#define RECALL_MAX_KERNELS 1024
#define RECALL_REASON_MAX  512

/* All strings are owned by the list. */
struct recall_entry {
	char *version;
	char **kernels; /* releases; none: withdrawn for every kernel */
	size_t n_kernels;
	char *reason;
	int64_t time; /* seconds since 1970 */
};

struct recall {
	struct recall_entry *entries;
	size_t n_entries;
};

/* Checks every field. The caller frees with recall_free(). ERR_INVALID, ERR_TOO_LARGE,
 * ERR_UNSUPPORTED (a higher format). */
int recall_parse(const void *data, size_t len, struct recall **ret, struct error *err);
/* The file's bytes, deterministic; refuses what recall_parse() would refuse. */
int recall_write(const struct recall *recall, struct buf *out, struct error *err);
void recall_free(struct recall *recall);
DEFINE_CLEANUP(struct recall *, recall_free);
#define _cleanup_recall_ _cleanup_(recall_freep)

/* An empty list. ERR_NO_MEMORY. */
int recall_new(struct recall **ret);
/* Adds an entry; everything is copied. A version already withdrawn for all of these kernels:
 * ERR_EXISTS. */
int recall_add(struct recall *recall, const char *version, const char *const *kernels,
	       size_t n_kernels, const char *reason, int64_t time, struct error *err);
/* Takes a version off the list: for these kernels, or, without any, in all its entries.
 * ERR_NOT_FOUND when it is not withdrawn for one of them by an entry that names kernels; the list
 * is of no use then. */
int recall_remove(struct recall *recall, const char *version, const char *const *kernels,
		  size_t n_kernels, struct error *err);
/* The first entry that withdraws `version` for `kernel`, or NULL; it belongs to the list. */
const struct recall_entry *recall_lookup(const struct recall *recall, const char *version,
					 const char *kernel);
