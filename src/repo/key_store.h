/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private keys in folders: every *.pem file, found by key ID. */
#pragma once

#include "base/error.h"
#include "tuf/key.h"
#include "tuf/metadata.h"

#define KEY_STORE_MAX 1024

struct key_store {
	struct tuf_key **keys;
	char **paths; /* of the same keys */
	size_t n;
	char places[512]; /* the folders, for messages */
};

int key_store_new(struct key_store **ret);
void key_store_free(struct key_store *store);
DEFINE_CLEANUP(struct key_store *, key_store_free);
#define _cleanup_key_store_ _cleanup_(key_store_freep)

/* Loads all keys of a folder. Files that hold keys of other kinds are passed over; ones that hold
 * no key are an error. ERR_NOT_FOUND when the folder is missing. */
int key_store_add_folder(struct key_store *store, const char *dir, struct error *err);
/* Takes a key over; `path` is copied. ERR_NO_MEMORY, and the key stays the caller's. */
int key_store_add(struct key_store *store, struct tuf_key *key, const char *path);
/* The key of that ID, or NULL; its file in *ret_path when wanted. Both belong to the store. */
const struct tuf_key *key_store_find(const struct key_store *store, const char *key_id,
				     const char **ret_path);
/* Signs with all keys of a role ({"keyids", "threshold"}) that are here. ERR_UNTRUSTED, naming what
 * is missing and where it was looked for, when they are fewer than the threshold. */
int key_store_sign(const struct key_store *store, const char *role_name, const json_t *role,
		   struct tuf_metadata *md, struct error *err);

/* Writes a private key, mode 0600. ERR_EXISTS rather than replace a file. */
int key_store_write(const struct tuf_key *key, const char *path, struct error *err);
