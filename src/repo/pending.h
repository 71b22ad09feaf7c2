/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that wait for signatures: several people with several keys, apart. DIR/pending/ holds the
 * next version of every offline role that changes, signed by those who were there, and under
 * targets/ the bytes that only they list; nothing of it is published before every threshold is met.
 * It comes and goes as one step.
 */
#pragma once

#include "repo/repository.h"

#define PENDING_FILE_MAX ((size_t)4 * 1024 * 1024) /* of detached signatures */

/* Bytes of one metadata file, in the order of writing. */
struct pending_file {
	char name[TUF_ROLE_NAME_MAX + 64];
	bool online; /* snapshot and timestamp, which never wait */
	struct buf data;
};

struct pending_files {
	struct pending_file list[REPOSITORY_MAX_ROLES + 4];
	size_t n;
};

/* One role that may wait: where its metadata is now, and where the published one goes. */
struct pending_slot {
	const char *name;
	enum tuf_type type;
	struct tuf_metadata **md, **before;
	bool *changed;
};

/* The `i`th offline role; false past the last. */
bool pending_slot_at(struct repository *repo, size_t i, struct pending_slot *ret);

/* Puts right what a run left that was ended while it replaced the folder. */
int pending_recover(const struct repository *repo, struct error *err);
/* Takes what waits into the repository in place of the published versions, which become `before`,
 * and sets `waiting`. What was published meanwhile, by a run that then ended, is passed over; what
 * does not follow on what is published now is ERR_BAD_STATE. Modules that are listed anew,
 * they or their records, are checked as submission_load() does. */
int pending_load(struct repository *repo, struct error *err);
/* Checks those modules as submission_check_release() does: before they are signed, and before they
 * are published. */
int pending_check_release(struct repository *repo, const char *keys, struct error *err);
/* Does the version after this one of a role wait? Needs nothing loaded. */
bool pending_has_next(const struct repository *repo, const char *role, int64_t version);
/* Replaces DIR/pending by these files, but for the online ones. */
int pending_save(const struct repository *repo, const struct pending_files *files,
		 struct error *err);
/* Takes DIR/pending away. What is published stays. */
int pending_remove(struct repository *repo, struct error *err);

/* Does this metadata wait? Does any? */
bool pending_holds(const struct repository *repo, const struct tuf_metadata *md);
bool pending_holds_any(const struct repository *repo);
/* Valid signatures of different keys, and how many are wanted; for root, of the old keys and the
 * new ones, whichever are farther from their threshold. */
int pending_count(const struct repository *repo, const struct tuf_metadata *md, const char *role,
		  size_t *ret_have, size_t *ret_want, struct error *err);

/* Appends the signatures of all keys that are here, as a file of detached signatures. ERR_NOT_FOUND
 * when none of them is asked for. */
int pending_sign(struct repository *repo, struct buf *out, size_t *ret_n, struct error *err);
/* Adds detached signatures, and the number of those that were not there yet to *ret_new. One that
 * is not by a key of its role over exactly these bytes is an error (ERR_SIGNATURE, ERR_UNTRUSTED,
 * ERR_NOT_FOUND), and then nothing is to be written; one of a version that is published already is
 * passed over. */
int pending_merge(struct repository *repo, const void *data, size_t len, size_t *ret_new,
		  struct error *err);
