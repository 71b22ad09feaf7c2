/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of one role, changed in what delegates to it: root for the top-level roles, targets for
 * the others. */
#pragma once

#include "repo/repository.h"

#define ROLE_KEYS_MAX 32 /* of one role */

struct role_keys {
	char role[TUF_ROLE_NAME_MAX + 1];
	struct tuf_key *keys[ROLE_KEYS_MAX]; /* owned */
	size_t n;
	unsigned threshold;
};

/* The keys that a role has now. ERR_NOT_FOUND (no such role), ERR_UNSUPPORTED (more keys). */
int role_keys_load(const struct repository *repo, const char *role, struct role_keys *ret,
		   struct error *err);
void role_keys_free(struct role_keys *keys);
#define _cleanup_role_keys_ _cleanup_(role_keys_free)

/* Can the keys of DIR/online-keys alone sign for them? */
bool role_keys_are_online(const struct role_keys *keys, const struct repository *repo);
/* The same of a role by its name; false for one that is not there. */
bool role_keys_online(const struct repository *repo, const char *role);
/* Adds a key, which is taken over. ERR_EXISTS, ERR_TOO_LARGE: it stays the caller's. */
int role_keys_add(struct role_keys *keys, struct tuf_key *key, struct error *err);
/* Takes out the key whose ID begins so. ERR_NOT_FOUND, ERR_USAGE (several do). */
int role_keys_drop(struct role_keys *keys, const char *id, struct error *err);

/* Puts these keys in place of the role's, and marks what has to be signed anew: what delegates to
 * it, and the role itself if its signatures do not meet the new threshold. ERR_INVALID when there
 * are fewer keys than the threshold. */
int role_keys_store(const struct role_keys *keys, struct repository *repo, struct error *err);
