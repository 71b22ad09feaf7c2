/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run-pre matching: is the rebuilt original the code that the kernel ships?
 *
 * A function is equal if every byte is, but for relocated fields and what objtool rewrites
 * (sites.h), if what each relocated field refers to is the same, and if the shipped function is not
 * longer. References are compared like this:
 *
 * - to another file: the symbol table has that name at that address, or (modules) the shipped file
 *   imports that name;
 * - to the unit's own functions and variables: the symbol table has the name there, and all equal
 *   functions of the unit agree where the section is. What has contents must have the same;
 * - to what has no name in the symbol table: by its contents, string by string and constant by
 *   constant. What has neither name nor contents is not accepted.
 *
 * All functions of the unit are compared, also those that a patch leaves alone: their references
 * say where the unit's symbols really are, which names alone do not where a name occurs several
 * times.
 */
#pragma once

#include "build/unit/compile.h"
#include "build/object/shipped.h"

struct runpre_mask {
	uint32_t offset, length; /* bytes */
};

/* A function as shipped. */
struct runpre_function {
	const char *name;
	bool equal;      /* what follows is set only then */
	unsigned sympos; /* 1-based; 0: unique */
	uint32_t size;
	struct runpre_mask *mask; /* ascending, apart */
	size_t mask_count;
	char sha256[65]; /* of the code with masked bytes 0 */
};

struct runpre {
	struct runpre_function *functions; /* one for each of the names, in their order */
	size_t function_count;
	size_t compared; /* functions and their cold parts */
	size_t equal;
	struct name_table *known; /* where the unit's symbols are */
	struct arena *arena;
};

/*
 * Compares the functions of that name (as the original object has them) with the shipped ones. One
 * that differs, or that the shipped object does not have, is appended to `mismatches`. `names` must
 * outlive the result. Errors: ERR_INVALID, ERR_NO_MEMORY.
 */
int runpre_check(const struct shipped *shipped, const struct unit *unit, const char *const *names,
		 size_t n, struct reason_list *mismatches, struct runpre **ret, struct error *err);
void runpre_free(struct runpre *runpre);
DEFINE_CLEANUP(struct runpre *, runpre_free);
#define _cleanup_runpre_ _cleanup_(runpre_freep)

/* Appends the name of each function of the unit that the kernel keeps after it has booted, without
 * cold parts. Errors: those of reading the object. */
int runpre_list(const struct unit *unit, struct name_list *ret, struct error *err);

/* Where the shipped object has the unit's symbol of that name, as its code shows; false if no
 * equal code refers to it. */
bool runpre_where(const struct runpre *runpre, const char *name, uint64_t *ret_address);
