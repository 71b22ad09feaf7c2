/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signed repository as the server reads it: what each tier lists, from the repository's own
 * TUF metadata, verified like any client would and read again when timestamp.json changes. The
 * server trusts the first root it finds: machines decide for themselves, this only says what to
 * offer them.
 */
#pragma once

#include "wire/check_in.h"

struct repository;

/* Reads `dir` (which need not exist yet), keeping verified metadata under `metadata_dir`.
 * ERR_NO_MEMORY. */
int repository_new(const char *dir, const char *metadata_dir, struct repository **ret,
		   struct error *err);
void repository_free(struct repository *repository);
DEFINE_CLEANUP(struct repository *, repository_free);

/* Reads again if timestamp.json is another one than last time; `now` in seconds since 1970. What
 * was read before stays in force when it fails. Safe from several threads. */
void repository_update(struct repository *repository, int64_t now);

/* What a machine gets (listing.h: listing_decide); REASON_PAUSED while nothing could be read. */
enum check_in_reason repository_decide(struct repository *repository,
				       const struct machine_facts *facts, const char *applied,
				       char ret_version[static PATCH_VERSION_MAX]);

/* 0 when the last reading was good, with the number of modules listed; else its error. */
int repository_state(struct repository *repository, size_t *ret_modules, struct error *err);
