/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be signed, as text for the people who answer for it. */
#pragma once

#include "repo/repository.h"

/*
 * Appends, for every role that waits (pending.h), each difference between it and what is published:
 * a line a change, with whole hashes and key IDs. A field that has no line of its own is named.
 * What comes from metadata holds no control characters. Of a module it says who signed it, if that
 * is one of the certificates in `keys` (submission_find_signer()). Reads the recall lists;
 * ERR_NOT_LISTED, ERR_HASH and -errno when they are not there.
 */
int describe_waiting(struct repository *repo, const char *keys, struct buf *out, struct error *err);
/* Appends what the chain of roots starts from, and what is published. `root`: the file that was
 * given as trusted, or NULL. */
int describe_trust(const struct repository *repo, const char *root, struct buf *out,
		   struct error *err);
