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
#include "repo/key_store.h"
#include "repo/settings.h"
#include "tuf/metadata.h"

#define REPOSITORY_MAX_ROLES (SETTINGS_MAX_TIERS + 1)
#define REPOSITORY_FILE_MAX  ((size_t)16 * 1024 * 1024) /* one metadata file */

struct repo_role {
	char name[TUF_ROLE_NAME_MAX + 1];
	struct tuf_metadata *md;
	bool changed; /* to be signed and written */
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
	bool root_changed, targets_changed, snapshot_changed;
	struct repo_role roles[REPOSITORY_MAX_ROLES]; /* recall and the tiers */
	size_t n_roles;
	struct repo_file *files; /* target files to be written */
	int lock_fd;
	bool writing; /* the first file was, or may have been, written */
};

/*
 * Opens a working folder and verifies everything in it but dates, since what is signed next rests
 * on it; takes a lock that the next run waits for. Loads the online keys, and the offline ones of
 * `keys` or of the settings when that folder is there (`keys` given and missing: ERR_NOT_FOUND).
 */
int repository_open(const char *dir, const char *keys, int64_t now, struct repository **ret,
		    struct error *err);
/* For init: nothing is loaded, settings and keys are taken over. */
int repository_create(const char *dir, struct settings *settings, struct key_store *keys,
		      int64_t now, struct repository **ret, struct error *err);
void repository_free(struct repository *repo);
DEFINE_CLEANUP(struct repository *, repository_free);
#define _cleanup_repository_ _cleanup_(repository_freep)

/* A delegated role; NULL when there is none of that name. */
struct repo_role *repository_role(struct repository *repo, const char *name);
struct repo_role *repository_add_role(struct repository *repo, const char *name, struct error *err);
/* The tier's role; ERR_NOT_FOUND. */
int repository_tier(struct repository *repo, const char *name, struct repo_role **ret,
		    struct error *err);

/* Lists a target in a role and keeps its bytes to be written. `custom` may be NULL. */
int repository_put_target(struct repository *repo, struct repo_role *role, const char *path,
			  const void *data, size_t len, json_t *custom, struct error *err);
/* Reads the bytes of a listed target and checks length and hash. */
int repository_read_target(struct repository *repo, const struct repo_role *role, const char *path,
			   struct buf *out, struct error *err);

/*
 * Signs all that changed, and snapshot and timestamp with it, and writes it. Everything is signed
 * before the first file is written: a missing key leaves the folder as it was.
 */
int repository_commit(struct repository *repo, struct error *err);
