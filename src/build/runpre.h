/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run-pre matching: is the rebuilt original the code that the kernel ships? Each function that a
 * patch replaces is compared byte by byte with the shipped one; places that linking or the running
 * kernel changes (sites.h) are left out, but what relocated fields refer to is compared by name and
 * address. On the way the fields tell where the unit's own symbols really are, which names alone do
 * not say where a name occurs several times.
 */
#pragma once

#include "build/compile.h"
#include "build/diff.h"
#include "build/shipped.h"

struct runpre_mask {
	uint32_t offset, length; /* bytes */
};

/* A replaced function as shipped. */
struct runpre_function {
	const char *name; /* of the diff */
	unsigned sympos;  /* 1-based; 0: unique */
	uint32_t size;
	struct runpre_mask *mask; /* ascending, apart */
	size_t mask_count;
	char sha256[65]; /* of the code with masked bytes 0 */
};

struct runpre {
	struct runpre_function *functions; /* one for each of diff_result.changed, in its order */
	size_t function_count;
	size_t compared; /* functions and their cold parts */
	size_t equal;
	struct runpre_known *known; /* where the unit's symbols are */
	size_t known_count, known_cap;
	struct arena *arena;
};

/*
 * Compares all changed functions of a unit. One that differs, or that the shipped object does not
 * have, is appended to `mismatches`. Errors: ERR_INVALID, ERR_NO_MEMORY.
 */
int runpre_check(const struct shipped *shipped, const struct unit *unit,
		 const struct diff_result *diff, struct reason_list *mismatches,
		 struct runpre **ret, struct error *err);
void runpre_free(struct runpre *runpre);
DEFINE_CLEANUP(struct runpre *, runpre_free);
#define _cleanup_runpre_ _cleanup_(runpre_freep)

/* Where the shipped object has the unit's symbol of that name, as its code shows; false if no
 * compared code refers to it. */
bool runpre_where(const struct runpre *runpre, const char *name, uint64_t *ret_address);
