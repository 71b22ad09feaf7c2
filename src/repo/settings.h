/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo.json in the repository's working folder: what the metadata itself does not say. */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "wire/names.h"

#define SETTINGS_FILE      "suture-repo.json"
#define SETTINGS_MAX_TIERS 32
#define SETTINGS_KEEP      2 /* versions of a kernel that a tier lists unless told otherwise */

/* Kinds of evidence about a module (evidence.h). */
enum evidence_kind { EVIDENCE_BUILD, EVIDENCE_LAB, EVIDENCE_SOURCE, EVIDENCE_KINDS };

const char *evidence_kind_name(enum evidence_kind kind); /* "build", "lab", "source" */

struct settings {
	char *keys; /* absolute path of the offline keys' folder, or NULL */
	char tiers[SETTINGS_MAX_TIERS][TIER_MAX + 1]; /* in the order of promotion */
	unsigned require[SETTINGS_MAX_TIERS];         /* evidence that a tier demands: 1 << kind */
	size_t n_tiers;
	int64_t keep;
	/* Lifetimes in seconds. */
	int64_t root, targets, tier, recall, evidence, snapshot, timestamp;
};

/* The default lifetimes of docs/architecture.md, no tiers, no keys. ERR_NO_MEMORY. */
int settings_new(struct settings **ret);
/* ERR_NOT_FOUND when `dir` is no repository of ours, ERR_INVALID, ERR_UNSUPPORTED. */
int settings_load(const char *dir, struct settings **ret, struct error *err);
int settings_save(const struct settings *settings, const char *dir, struct error *err);
void settings_free(struct settings *settings);
DEFINE_CLEANUP(struct settings *, settings_free);
#define _cleanup_settings_ _cleanup_(settings_freep)

/* Adds a tier. ERR_INVALID (its form, or a role's name), ERR_EXISTS, ERR_TOO_LARGE. */
int settings_add_tier(struct settings *settings, const char *name, struct error *err);
/* Its place in the order; ERR_NOT_FOUND. */
int settings_tier_index(const struct settings *settings, const char *name, size_t *ret,
			struct error *err);
/* Sets "keep", "lifetime.ROLE" (ROLE may be `tier`, for all of them) or "require.TIER" from text,
 * as the command line has it: numbers, "90d" or "12h", "lab,source" or "none". ERR_USAGE. */
int settings_set(struct settings *settings, const char *key, const char *value, struct error *err);
/* The file's content; the caller owns it. */
int settings_to_json(const struct settings *settings, json_t **ret, struct error *err);
/* Lifetime of a role by name: top-level, recall, or a tier. */
int64_t settings_lifetime(const struct settings *settings, const char *role);
