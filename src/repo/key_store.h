/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys in folders, found by key ID: NAME.pem holds a private key, NAME.pkcs11 says where one is in
 * a token (docs/formats.md, "Keys"). A key that a passphrase or a PIN protects is opened when it is
 * to sign, not before: most commands need only some of the keys.
 */
#pragma once

#include "base/error.h"
#include "tuf/key.h"
#include "tuf/metadata.h"

#define KEY_STORE_MAX     1024
#define KEY_STORE_URI_MAX ((size_t)2048)

/*
 * Asks for the passphrase of a key file, or the PIN of a token. *ret, which the store wipes and
 * frees, may be NULL for a token that wants no PIN. ERR_NOT_FOUND when there is nobody to ask.
 */
typedef int (*key_secret_fn)(void *user, const char *path, bool pin, char **ret, struct error *err);

/* Why something could not be opened, once tried. */
struct key_failure {
	int code;      /* 0: it was not tried, or opened */
	char *message; /* owned */
};

/* What keeps a private key from who can read its folder. */
enum key_protection { KEY_PLAIN, KEY_PASSPHRASE, KEY_TOKEN };

struct key_entry {
	struct tuf_key *key; /* only the public part while it is locked */
	char *path;
	bool locked;
	enum key_protection protection;
	char *uri, *module; /* of a token; else NULL */
	struct key_failure failure;
};

/* A token that keys were looked for in. */
struct key_token {
	char *name;                 /* library, and what of the URI says which token */
	char *pin;                  /* NULL: it wants none */
	struct key_failure failure; /* of its PIN: it is not tried again, since tokens count */
};

struct key_store {
	struct key_entry *entries;
	size_t n;
	struct key_token *tokens;
	size_t n_tokens;
	bool passed_over; /* files were, under a passphrase that nobody gave, or another one */
	key_secret_fn secret;
	void *user;
	char places[512]; /* the folders, for messages */
};

int key_store_new(struct key_store **ret);
void key_store_free(struct key_store *store);
DEFINE_CLEANUP(struct key_store *, key_store_free);
#define _cleanup_key_store_ _cleanup_(key_store_freep)

/* Who is asked for passphrases and PINs; without anybody, locked keys stay locked. */
void key_store_set_secret(struct key_store *store, key_secret_fn secret, void *user);

/* Loads all keys of a folder. Files that hold keys of other kinds are passed over; ones that hold
 * no key are an error. ERR_NOT_FOUND when the folder is missing. */
int key_store_add_folder(struct key_store *store, const char *dir, struct error *err);
/* The same, where what cannot be read or holds no private key is only remembered for messages. */
int key_store_add_readable(struct key_store *store, const char *dir, struct error *err);
/* Takes a key over; `path` is copied. ERR_NO_MEMORY, and the key stays the caller's. */
int key_store_add(struct key_store *store, struct tuf_key *key, const char *path);
/* The key of that ID, which may be locked, or NULL; its file in *ret_path when wanted. Both belong
 * to the store. */
const struct tuf_key *key_store_find(const struct key_store *store, const char *key_id,
				     const char **ret_path);
/* How the key of that ID is protected; KEY_PLAIN when it is not here. */
enum key_protection key_store_protection(const struct key_store *store, const char *key_id);
/* The key of that ID, opened; it belongs to the store. ERR_NOT_FOUND when it is not here: in no
 * folder, in a token that is not, or under a secret that nobody gave. ERR_DENIED when what was
 * given does not open it, which is tried once. */
int key_store_open(struct key_store *store, const char *key_id, const struct tuf_key **ret,
		   struct error *err);
/*
 * Signs with all keys of a role ({"keyids", "threshold"}) that are here. ERR_UNTRUSTED, naming what
 * is missing and where it was looked for, when they are fewer than the threshold; the signatures
 * that there are stay then. ERR_DENIED instead when there are none, and what was given for one of
 * the keys does not open it.
 */
int key_store_sign(struct key_store *store, const char *role_name, const json_t *role,
		   struct tuf_metadata *md, struct error *err);

/* Is this a plain file, no link, that holds the key of that ID, or says where it is in a token? A
 * protected key is known by the public part beside it. False also when that cannot be found out. */
bool key_store_file_holds(const char *path, const char *key_id);
/* Writes a private key, mode 0600, under a passphrase unless that is NULL; beside a protected key
 * its public part, so that it can be found without the passphrase. ERR_EXISTS rather than replace a
 * file. */
int key_store_write(const struct tuf_key *key, const char *path, const char *passphrase,
		    struct error *err);
/* ERR_USAGE when a URI holds a PIN, or says where one is: that would go past whoever is asked. */
int key_store_check_uri(const char *uri, struct error *err);
/* Writes where a key is in a token. `module` may be NULL. ERR_EXISTS. */
int key_store_write_token(const struct tuf_key *key, const char *path, const char *uri,
			  const char *module, struct error *err);
