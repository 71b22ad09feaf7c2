/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signed repository in its working folder: loaded and verified, changed in memory, and written
 * in the order in which a reader never sees half: target files, delegated roles, targets, snapshot,
 * timestamp.
 *
 * DIR/suture-repo.json, DIR/online-keys/, DIR/repository/{metadata,targets}/.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "repo/key_store.h"
#include "repo/settings.h"
#include "tuf/metadata.h"

#define REPOSITORY_MAX_ROLES  (SETTINGS_MAX_TIERS + 2)   /* recall and evidence */
#define REPOSITORY_FILE_MAX   ((size_t)16 * 1024 * 1024) /* one metadata file */
#define REPOSITORY_TARGET_MAX ((size_t)80 * 1024 * 1024) /* one target: a module, its source */

struct repo_role {
	char name[TUF_ROLE_NAME_MAX + 1];
	struct tuf_metadata *md;
	struct tuf_metadata *before; /* as published, when `md` waits for signatures */
	bool changed;                /* to be signed and written */
};

struct repo_file {
	struct repo_file *next;
	char *path; /* below the repository, with hash */
	struct buf data;
};

struct repository {
	char *dir;  /* the working folder */
	char *tree; /* DIR/repository */
	struct settings *settings;
	struct key_store *keys;
	int64_t now;
	struct tuf_metadata *root, *targets, *snapshot, *timestamp;
	struct tuf_metadata *previous_root; /* NULL for the first */
	json_t *old_root_role; /* of the root before this one, when root is to be written */
	struct tuf_metadata *root_before, *targets_before; /* as repo_role.before */
	bool may_wait; /* offline roles that are short of signatures wait for them (pending.h) */
	bool waiting;  /* some do */
	bool published_only;  /* DIR/pending is left alone */
	bool handed_over;     /* repository_options.handed_over */
	bool behind;          /* a new root is published, but not yet all that its keys sign */
	int64_t trusted_root; /* version of the root that the chain starts from */
	char trusted_sha256[SHA256_HEX_LEN + 1]; /* of its file */
	bool root_changed, targets_changed, snapshot_changed;
	struct repo_role roles[REPOSITORY_MAX_ROLES]; /* recall, evidence and the tiers */
	size_t n_roles;
	struct repo_file *files; /* target files to be written */
	int lock_fd;
	bool writing; /* a file that makes the change count was, or may have been, written */
};

struct repository_options {
	const char *keys; /* folder of the offline keys; NULL: the one that the settings name */
	int64_t now;      /* seconds since 1970 */
	bool no_keys;     /* none are loaded, since nothing is to be signed */
	bool published;   /* what waits for signatures is left alone */
	/* The folder is somebody else's: keys are only those of `keys` (NULL: none), since a file
	 * that says where a token is names code to be run, and nothing in it is changed. */
	bool handed_over;
	const char *root;     /* file of a root that is trusted; NULL: the folder's first */
	key_secret_fn secret; /* key_store_set_secret() */
	void *user;
};

/*
 * Opens a working folder and verifies everything in it but dates, since what is signed next rests
 * on it; takes a lock that the next run waits for. Loads the online keys, and the offline ones
 * (`keys` given and missing: ERR_NOT_FOUND; what is wrong with the folder that the settings name is
 * no error), and what waits for signatures (pending.h). Takes back what a command left that was
 * ended: its keys that nothing names (unfinished.h), and files that had not got their names yet.
 */
int repository_open(const char *dir, const struct repository_options *options,
		    struct repository **ret, struct error *err);
/* For init: nothing is loaded, settings and keys are taken over. */
int repository_create(const char *dir, struct settings *settings, struct key_store *keys,
		      int64_t now, struct repository **ret, struct error *err);
void repository_free(struct repository *repo);
DEFINE_CLEANUP(struct repository *, repository_free);
#define _cleanup_repository_ _cleanup_(repository_freep)

/* Is a file of keys one of DIR/online-keys? */
bool repository_is_online(const struct repository *repo, const char *path);
/* A delegated role; NULL when there is none of that name. */
struct repo_role *repository_role(struct repository *repo, const char *name);
struct repo_role *repository_add_role(struct repository *repo, const char *name, struct error *err);
/* The tier's role; ERR_NOT_FOUND. */
int repository_tier(struct repository *repo, const char *name, struct repo_role **ret,
		    struct error *err);

/* Lists a target in a role and keeps its bytes to be written. `custom` may be NULL. */
int repository_put_target(struct repository *repo, struct repo_role *role, const char *path,
			  const void *data, size_t len, json_t *custom, struct error *err);
/* Appends the bytes of a listed target, those that are kept to be written too, and checks length
 * and hash. */
int repository_read_target(struct repository *repo, const struct repo_role *role, const char *path,
			   struct buf *out, struct error *err);

/* Keeps bytes to be written that a role lists already. */
int repository_keep_file(struct repository *repo, const char *path, const void *data, size_t len,
			 struct error *err);
/* "targets/<folder>/<hash>.<name>"; the caller frees; NULL without memory. */
char *repository_file_path(const char *path, const char *sha256);
/* Writes the bytes that are kept below a folder that holds targets/. */
int repository_write_files(const struct repository *repo, const char *tree, struct error *err);
/* Bytes that are kept to be written under such a path, or NULL. */
const struct buf *repository_kept_file(const struct repository *repo, const char *file_path);
/* What delegates to a role: its keys, and its object with `keyids` and `threshold`. NULL when there
 * is no such role. */
const json_t *repository_delegation(const struct repository *repo, const char *role,
				    const json_t **ret_keys);

/*
 * Signs all that changed, and snapshot and timestamp with it, and writes it. Everything is signed
 * before the first file is written: a missing key leaves the folder as it was. With `may_wait`,
 * roles that are short of signatures are put aside instead (pending.h), and `waiting` is set; what
 * is published stays as it was then.
 */
int repository_commit(struct repository *repo, struct error *err);
