/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo.json in the repository's working folder: what the metadata itself does not say. */
#pragma once

#include "base/error.h"
#include "wire/names.h"

#define SETTINGS_FILE      "suture-repo.json"
#define SETTINGS_MAX_TIERS 32
#define SETTINGS_KEEP      3 /* versions of a kernel that a tier lists unless told otherwise */

struct settings {
	char *keys; /* absolute path of the offline keys' folder, or NULL */
	char tiers[SETTINGS_MAX_TIERS][TIER_MAX + 1]; /* in the order of promotion */
	size_t n_tiers;
	int64_t keep;
	/* Lifetimes in seconds. */
	int64_t root, targets, tier, recall, snapshot, timestamp;
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
/* Lifetime of a role by name: top-level, recall, or a tier. */
int64_t settings_lifetime(const struct settings *settings, const char *role);
