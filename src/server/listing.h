/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the repository's tiers list for each kernel build, and the decision that follows from it for
 * one machine. No files and no clock here.
 */
#pragma once

#include "base/error.h"
#include "wire/check_in.h"

#define LISTING_MAX 1000000 /* entries */

struct listing;

/* An empty one. ERR_NO_MEMORY. */
int listing_new(struct listing **ret, struct error *err);
void listing_free(struct listing *listing);
DEFINE_CLEANUP(struct listing *, listing_free);
#define _cleanup_listing_ _cleanup_(listing_freep)

/* Adds a version that a tier lists for a kernel build. One that was withdrawn covers its kernel,
 * but is never granted. All names must be valid (wire/names.h). ERR_TOO_LARGE, ERR_NO_MEMORY. */
int listing_add(struct listing *listing, const char *tier, const char *kernel, const char *build_id,
		struct patch_version version, bool withdrawn, struct error *err);
/* To be called once after the last entry and before the first question. */
void listing_sort(struct listing *listing);
size_t listing_size(const struct listing *listing);

/*
 * What a machine gets: REASON_GRANTED with the newest version that its tier lists for its kernel
 * build, when that is above `applied` ("" for none); else why not. `ret_version` is "" unless
 * granted.
 */
enum check_in_reason listing_decide(const struct listing *listing,
				    const struct machine_facts *facts, const char *applied,
				    char ret_version[static PATCH_VERSION_MAX]);
