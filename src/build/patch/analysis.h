/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From patches to proven changes: everything of suture-build that comes before linking. `check`
 * stops here, `patch` goes on.
 */
#pragma once

#include "build/diff/diff.h"
#include "build/proof/runpre.h"
#include "build/object/symvers.h"

#define ANALYSIS_PATCHES_MAX 256

struct analysis_patch {
	const char *path; /* as given */
	struct buf text;
	struct patch_file *parsed;
	char sha256[65];
};

struct analysis_unit {
	struct unit *unit;
	const struct shipped *shipped; /* the object it belongs to */
	struct elf_object *original, *patched;
	struct diff *diff;
	struct runpre *runpre;
};

struct analysis {
	const struct kbuild *kbuild;
	bool all; /* see analysis_options */
	const char *const *objects;
	size_t object_count;
	struct analysis_patch *patches;
	size_t patch_count;
	struct source_set *sources;
	struct overlay *overlay;     /* the patched tree; NULL until needed */
	struct source_set *external; /* of modules that are not part of the kernel, or NULL */
	char external_sha256[65];    /* of all its files; "" if nothing was compiled from it */
	struct unit_set unit_set;
	struct analysis_unit *units; /* those that change code */
	size_t unit_count;
	struct shipped **shipped; /* each object once */
	size_t shipped_count;
	size_t target_count;        /* the first of them: what analysis_options names */
	struct symvers *symvers;    /* see analysis_symvers(); NULL until needed */
	struct special_sizes sizes; /* of the kernel's structures */
	size_t compared, equal;     /* run-pre, all units together */
	struct reason_list reasons; /* why not, for ERR_NOT_PATCHABLE and ERR_MISMATCH */
};

struct analysis_options {
	/* Modules that are not part of the kernel. */
	const char *source;         /* folder of their source, or NULL */
	const char *const *targets; /* their files, as they are loaded */
	size_t target_count;
	/* Pairs of objects of these modules (prebuilt.h); must outlive the analysis. */
	const char *const *objects;
	size_t object_count;
	bool all; /* look at every file that includes what is patched, however many they are */
};

/* An analysis of nothing yet. Errors: those of reading the targets; ERR_INVALID for one that the
 * kernel has too, or two of one name. */
int analysis_new(const struct kbuild *kbuild, const struct analysis_options *options,
		 struct analysis **ret, struct error *err);

/*
 * Reads, applies, compiles, compares and proves, telling each step on standard output. A reason
 * against the patch ends nothing: all are collected, and analysis_verdict() tells the answer; units
 * whose diff is refused stay in the list. Errors: ERR_NO_CHANGE, ERR_INVALID (a patch that cannot
 * be read or does not apply), ERR_CHILD (does not compile), ….
 */
int analysis_run(struct analysis *a, const char *const *patches, size_t n, struct error *err);
/* 0, ERR_NOT_PATCHABLE, or ERR_MISMATCH if that is all there is against the patch. */
int analysis_verdict(const struct analysis *a, struct error *err);
void analysis_free(struct analysis *a);
DEFINE_CLEANUP(struct analysis *, analysis_free);
#define _cleanup_analysis_ _cleanup_(analysis_freep)

/* Opens an object of the kernel once; it belongs to the analysis. */
int analysis_shipped(struct analysis *a, const char *object, const struct shipped **ret,
		     struct error *err);
/* Reads the kernel's exports once; they belong to the analysis. Errors: those of symvers_load(). */
int analysis_symvers(struct analysis *a, const struct symvers **ret, struct error *err);
