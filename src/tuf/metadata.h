/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TUF metadata files (TUF 1.0.34 section 4): parse and check their form, change, sign and write
 * them, and verify a threshold of signatures. Unknown fields are kept.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "tuf/key.h"

#define TUF_SPEC_VERSION    "1.0.34"
#define TUF_ROLE_NAME_MAX   128  /* bytes */
#define TUF_MAX_SIGNATURES  256  /* of one file */
#define TUF_MAX_KEYS        4096 /* of one file */
#define TUF_MAX_ROLE_KEYS   256  /* of one role */
#define TUF_MAX_DELEGATIONS 16384

enum tuf_type { TUF_ROOT, TUF_TIMESTAMP, TUF_SNAPSHOT, TUF_TARGETS };

struct tuf_metadata {
	enum tuf_type type;
	json_t *envelope;   /* owns what follows */
	json_t *body;       /* "signed" */
	json_t *signatures; /* "signatures" */
	int64_t version;
	int64_t expires; /* seconds since 1970 */
};

const char *tuf_type_name(enum tuf_type type); /* "root", … */

/*
 * Parses one file and checks every field of its type; no signature is looked at. `what` names it in
 * errors ("3.root.json"). ERR_INVALID, ERR_UNSUPPORTED (another major version of the
 * specification).
 */
int tuf_metadata_parse(enum tuf_type type, const char *what, const void *data, size_t len,
		       struct tuf_metadata **ret, struct error *err);
/* Empty metadata of version 1 without signatures. Root: consistent snapshots, no keys, no roles. */
int tuf_metadata_new(enum tuf_type type, int64_t expires, struct tuf_metadata **ret,
		     struct error *err);
void tuf_metadata_free(struct tuf_metadata *md);
DEFINE_CLEANUP(struct tuf_metadata *, tuf_metadata_free);
#define _cleanup_tuf_metadata_ _cleanup_(tuf_metadata_freep)

/* Both drop all signatures. */
int tuf_metadata_set_version(struct tuf_metadata *md, int64_t version, struct error *err);
int tuf_metadata_set_expires(struct tuf_metadata *md, int64_t expires, struct error *err);
/* Drops all signatures: to be called after `body` was changed by hand. */
int tuf_metadata_changed(struct tuf_metadata *md, struct error *err);
/* Adds a signature, in place of an earlier one of the same key ID. */
int tuf_metadata_sign(struct tuf_metadata *md, const struct tuf_key *key, struct error *err);
/* Appends the file's bytes, after checking the form again. */
int tuf_metadata_write(const struct tuf_metadata *md, struct buf *out, struct error *err);

/*
 * Verifies that `md` is signed by a threshold of a role's keys. `keys` is the delegator's map of
 * key IDs to keys, `role` the object with `keyids` and `threshold`. A key counts once, whatever
 * number of signatures or key IDs it has; keys that this library cannot use count for nothing.
 * `any_key_ids`: key IDs need not be the hash of their key. `what` names the metadata in errors.
 * ERR_SIGNATURE, ERR_INVALID.
 */
int tuf_metadata_verify(const struct tuf_metadata *md, const char *what, const json_t *keys,
			const json_t *role, bool any_key_ids, struct error *err);
/* The same for the top-level roles, whose keys `root` lists. */
int tuf_root_verify(const struct tuf_metadata *root, const struct tuf_metadata *md,
		    const char *what, bool any_key_ids, struct error *err);
/*
 * Whether root follows root (section 5.3.4 and 5.3.5): `md` is signed by the keys of `before` and
 * by its own, and its version is the next one. `before` NULL: `md` is where a chain begins, of any
 * version and signed by its own keys. ERR_SIGNATURE, ERR_INVALID, ERR_ROLLBACK (another version).
 */
int tuf_root_verify_next(const struct tuf_metadata *before, const struct tuf_metadata *md,
			 const char *what, bool any_key_ids, struct error *err);

/* Root: sets a role's keys and threshold, adds the keys, and drops keys that no role uses. */
int tuf_root_set_role(struct tuf_metadata *root, const char *role,
		      const struct tuf_key *const *keys, size_t n_keys, unsigned threshold,
		      struct error *err);
/* Root: the role's {"keyids", "threshold"}, borrowed, or NULL. */
const json_t *tuf_root_role(const struct tuf_metadata *root, enum tuf_type type);
bool tuf_root_consistent(const struct tuf_metadata *root);

/* Targets: adds or replaces a delegation (at the end when new). */
int tuf_targets_delegate(struct tuf_metadata *targets, const char *name,
			 const struct tuf_key *const *keys, size_t n_keys, unsigned threshold,
			 const char *const *paths, size_t n_paths, bool terminating,
			 struct error *err);
/* Targets: the delegation of that name, borrowed, or NULL; the map of its keys likewise. */
const json_t *tuf_targets_delegation(const struct tuf_metadata *targets, const char *name);
const json_t *tuf_targets_keys(const struct tuf_metadata *targets);
/* Targets: adds or replaces one target. `custom` is borrowed and may be NULL. */
int tuf_targets_put(struct tuf_metadata *targets, const char *path, int64_t length,
		    const char *sha256, json_t *custom, struct error *err);

/* Timestamp and snapshot: says version, length and SHA-256 of a file such as "stable.json". */
int tuf_meta_put(struct tuf_metadata *md, const char *file, int64_t version, const void *data,
		 size_t len, struct error *err);
/* What timestamp or snapshot says about a file, borrowed, or NULL. */
const json_t *tuf_meta_get(const struct tuf_metadata *md, const char *file);
int64_t tuf_meta_version(const json_t *meta);

/* Checks bytes against {"length" (if any), "hashes" (if any)}: ERR_HASH. Only SHA-256 and SHA-512
 * are known; where hashes are listed, at least one must be known, and all known ones must fit. */
int tuf_check_bytes(const json_t *meta, const char *what, const void *data, size_t len,
		    struct error *err);

/*
 * Path patterns (section 4.5) as glob(7) has them: '*', '?', and sets as "[abc]", "[a-z]" and
 * "[!a]" of characters (UTF-8). Nothing but '/' matches '/', and a pattern matches the whole path.
 * A '[' without its ']' in the same part, and every backslash, is an ordinary character, as in the
 * specification's reference implementation.
 */
bool tuf_pattern_matches(const char *pattern, const char *path);
/* True when a delegation's `paths` or `path_hash_prefixes` hold the path. */
bool tuf_delegation_matches(const json_t *delegation, const char *path);
