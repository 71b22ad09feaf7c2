/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patches as tiers list them: a signed module with its build record. */
#pragma once

#include "repo/repository.h"
#include "wire/recall.h"
#include "wire/target_custom.h"

/* Reads a module's target in a role: its parts and its custom, which the caller frees. ERR_INVALID
 * when the target is not a module's, or not below the role's folder. */
int patch_read(const struct repo_role *role, const char *path, struct target_path_parts *ret_parts,
	       struct target_custom **ret_custom, struct error *err);

/* The same of one of all that a role lists: *ret is false for what is not a module. What ends in
 * ".ko" and is none, which whoever has the role's keys may have listed, is named on standard error;
 * what it would stop otherwise is everything. ERR_NO_MEMORY. */
int patch_next(const struct repo_role *role, const char *path, struct target_path_parts *ret_parts,
	       struct target_custom **ret_custom, bool *ret, struct error *err);

/*
 * Whether `version` may be added to a role for a kernel build: ERR_EXISTS when it is listed
 * already, ERR_ROLLBACK when a higher one is.
 */
int patch_check_newer(const struct repo_role *role, const char *kernel, const char *build_id,
		      const char *version, struct error *err);
/*
 * Drops from a role's list all versions of a kernel build that are below its `keep` newest ones.
 * Withdrawn ones do not count: with them alone nothing would be left to go back to. `withdrawn` may
 * be NULL. Files stay.
 */
int patch_prune(struct repo_role *role, const char *kernel, const char *build_id, int64_t keep,
		const struct recall *withdrawn, struct error *err);
/* The recall list as it is signed now. */
int patch_recall_list(struct repository *repo, struct recall **ret, struct error *err);
