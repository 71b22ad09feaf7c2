/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of a repository that follows The Update Framework, specification 1.0.34: the detailed
 * workflow of its section 5, over a folder of trusted metadata and a callback that gets bytes.
 *
 * The folder holds what was verified and nothing else, under unversioned names: root.json,
 * timestamp.json, snapshot.json, targets.json and <role>.json for delegated roles. Each file is
 * replaced as one step, right after it was verified and before the next one is asked for, so a
 * crash at any point leaves a folder that the next run continues from. Whoever hands the bytes over
 * is taken for an attacker.
 *
 * Not thread-safe; one client object a folder at a time.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* Defaults of struct tuf_client_options. */
#define TUF_MAX_ROOT      ((size_t)512 * 1024)
#define TUF_MAX_TIMESTAMP ((size_t)16 * 1024)
#define TUF_MAX_SNAPSHOT  ((size_t)2 * 1024 * 1024)
#define TUF_MAX_TARGETS   ((size_t)5 * 1024 * 1024)
/* The most that is fetched of snapshot or targets metadata whose length its parent has signed; the
 * two above are for where it has not. */
#define TUF_MAX_LISTED    ((size_t)16 * 1024 * 1024)
#define TUF_MAX_ROTATIONS 256 /* root files followed in one refresh */
#define TUF_MAX_ROLES     64  /* delegated roles visited in one search */

struct tuf_client;
struct tuf_role; /* a verified targets role; belongs to its client */

/*
 * Gets one file of the repository. `path` is relative to the repository: "metadata/3.root.json",
 * "metadata/timestamp.json", "targets/stable/6.1.0-56-amd64/<build id>/<hash>.m.ko". Nothing in it
 * is encoded. A target's path never has an empty, "." or ".." part; what is behind "metadata/" is
 * one name that holds whatever a delegated role's name holds, "../x" too: who makes an address
 * encodes it (once, RFC 3986), who opens a file refuses what leaves the folder. Appends at most
 * `max` bytes to `out` (whose own maximum is no smaller); gives up on a server that is slower than
 * a rate of its choosing (ERR_TIMEOUT: slow retrieval). Returns 0, ERR_NOT_FOUND when the
 * repository has no such file, ERR_TOO_LARGE when there is more, or any other error.
 */
typedef int (*tuf_fetch_fn)(void *user, const char *path, size_t max, struct buf *out,
			    struct error *err);

struct tuf_client_options {
	tuf_fetch_fn fetch; /* NULL: only what is cached (tuf_client_load_cached) */
	void *user;         /* handed to `fetch` */
	/* Caps in bytes for files whose length no verified metadata says (TUF_MAX_LISTED is for the
	 * others); 0: the default above. */
	size_t max_root, max_timestamp, max_snapshot, max_targets;
	unsigned max_rotations, max_roles; /* 0: the default above */
	/* Accept keys whose key ID is not the SHA-256 of their canonical form (section 4.3 demands
	 * it; some public repositories do not keep to it). One key still counts once. */
	bool any_key_ids;
	/*
	 * Ask for the timestamp first, and for nothing else while it is the trusted one and all
	 * that is trusted is in date (section 3.1.2: "the first and potentially only file" of a
	 * poll). A new root is then seen together with the next timestamp, which whoever rotates
	 * keys has to publish anyhow; who could withhold the timestamp could withhold the root as
	 * well.
	 */
	bool poll;
	/* Take delegated roles that are past their date too: for a publisher, whom one such role
	 * must not keep from putting out the others. tuf_role_expires() says which. */
	bool expired_roles;
};

/* One target as a verified role lists it. Everything belongs to the client and is valid until
 * tuf_client_free() or the next refresh. */
struct tuf_target {
	const char *path;     /* without a hash prefix */
	int64_t length;       /* bytes */
	const json_t *hashes; /* {"sha256": …, …} */
	const char
		*sha256; /* of the bytes, 64 lower-case digits; NULL when only others are listed */
	const json_t *custom; /* an object, or NULL */
};

/*
 * Puts the first trusted root.json into `dir` (made with mode 0700 when missing), after checking
 * that it is root metadata signed by a threshold of its own keys; `any_key_ids` as in the options
 * that the folder will be opened with. All other metadata in the folder is removed first: it
 * belonged to another root. A folder that holds something, but no root.json, is not touched
 * (ERR_BAD_STATE). The caller vouches for `root`. ERR_INVALID, ERR_SIGNATURE, -errno.
 */
int tuf_client_init(const char *dir, const void *root, size_t len, bool any_key_ids,
		    struct error *err);

/*
 * Opens a folder: loads and checks root.json and nothing else, without fetching. ERR_NOT_FOUND when
 * there is no root.json. The caller frees with tuf_client_free(). `options` is copied.
 */
int tuf_client_open(const char *dir, const struct tuf_client_options *options,
		    struct tuf_client **ret, struct error *err);
void tuf_client_free(struct tuf_client *client);
DEFINE_CLEANUP(struct tuf_client *, tuf_client_free);
#define _cleanup_tuf_client_ _cleanup_(tuf_client_freep)

/*
 * Sections 5.3 to 5.6: root chain, timestamp, snapshot, top-level targets. Afterwards roles can be
 * loaded and targets found. Costs one request for the next root and one for the timestamp when
 * nothing changed; with options.poll, only the one for the timestamp. May be called again on the
 * same client. `now`, in seconds since 1970, is the fixed start time of section 5.1: of all dates
 * until the next call, those of roles included.
 *
 * ERR_SIGNATURE  too few valid signatures          ERR_EXPIRED   metadata past its date
 * ERR_ROLLBACK   a lower version than trusted       ERR_HASH      length or hash not as its parent
 * says ERR_INVALID    not metadata of the expected type  ERR_TOO_LARGE over a cap ERR_NOT_FOUND  a
 * file that must exist does not    or whatever `fetch` returned, or -errno when the folder cannot
 * be read: what cannot be read is not taken for what is not there. After a failure what was
 * verified before it stays trusted and stored; nothing else is.
 */
int tuf_client_refresh(struct tuf_client *client, int64_t now, struct error *err);

/*
 * Loads root, timestamp, snapshot and targets from the folder, with every check of the workflow
 * (signatures, hashes, versions), and without the network from then on: roles are taken from the
 * folder too. `now` as above. `ignore_expiry`: dates are not looked at (for what was accepted once:
 * boot with no network and a wrong clock). Errors as tuf_client_refresh().
 */
int tuf_client_load_cached(struct tuf_client *client, int64_t now, bool ignore_expiry,
			   struct error *err);

/*
 * A role delegated by the top-level targets role, by name, or "targets" itself: from the folder
 * when that copy is the one the snapshot names, else fetched; verified either way against the keys
 * and threshold that its delegator gives it now. *ret belongs to the client. ERR_NOT_LISTED when
 * targets delegates to no such role; else as tuf_client_refresh().
 */
int tuf_client_load_role(struct tuf_client *client, const char *name, const struct tuf_role **ret,
			 struct error *err);

/*
 * The targets of a role whose path starts with `prefix` ("" for all), sorted by path. Only those
 * count whose delegation's path patterns (or hash prefixes) match, and that neither the delegator
 * itself nor an earlier delegation of it claims. The array (not what it points at) is the caller's
 * to free; NULL when `*ret_n` is 0.
 */
int tuf_role_list(const struct tuf_role *role, const char *prefix, struct tuf_target **ret,
		  size_t *ret_n, struct error *err);
/* One target of a role, under the same rule. ERR_NOT_LISTED. */
int tuf_role_find(const struct tuf_role *role, const char *path, struct tuf_target *ret,
		  struct error *err);
/* Metadata version and expiry (seconds since 1970) of a role. */
int64_t tuf_role_version(const struct tuf_role *role);
int64_t tuf_role_expires(const struct tuf_role *role);
/* The signed part of a role's metadata, as it was verified; belongs to the client. */
const json_t *tuf_role_signed(const struct tuf_role *role);

/*
 * Section 5.6.7: looks a target up in pre-order from the top-level targets role, through all
 * delegations that match, no further than a terminating one; loads the roles it visits.
 * ERR_NOT_LISTED when no role lists it, ERR_TOO_LARGE when max_roles did not and more are left.
 */
int tuf_client_find(struct tuf_client *client, const char *path, struct tuf_target *ret,
		    struct error *err);

/*
 * Section 5.7: fetches a target (an empty one needs no request) and appends it to `out` after
 * checking length and hashes; on failure `out` is as before. The target's length must fit out->max.
 * ERR_HASH, ERR_TOO_LARGE, ERR_NOT_FOUND, or whatever `fetch` returned.
 */
int tuf_client_download(struct tuf_client *client, const struct tuf_target *target, struct buf *out,
			struct error *err);
/* Checks bytes that came some other way against a target. ERR_HASH. */
int tuf_target_check(const struct tuf_target *target, const void *data, size_t len,
		     struct error *err);

/* Version and expiry of "root", "timestamp", "snapshot" or "targets" as trusted now; ERR_BAD_STATE
 * when it is not loaded. Either output may be NULL. */
int tuf_client_info(const struct tuf_client *client, const char *role, int64_t *ret_version,
		    int64_t *ret_expires);

/* A ready-made tuf_fetch_fn for a repository in a local folder; `user` is its path (const char *),
 * the folder that holds metadata/ and targets/. Symbolic links are not followed, and only regular
 * files are opened: ERR_INVALID for anything else under that name, such as a device or a FIFO. */
int tuf_fetch_folder(void *user, const char *path, size_t max, struct buf *out, struct error *err);
