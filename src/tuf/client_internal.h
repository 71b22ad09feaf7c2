/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the client's sources share: client.c (folder, root, order), update.c (timestamp, snapshot,
 * targets and delegated roles), search.c (listing, finding, downloading). */
#pragma once

#include "tuf/client.h"
#include "tuf/metadata.h"

struct tuf_role {
	struct tuf_role *next;
	struct tuf_metadata *md;
	const struct tuf_role *delegator; /* NULL: the top-level targets role */
	const json_t *delegation;         /* in the delegator's metadata; NULL likewise */
	char name[TUF_ROLE_NAME_MAX + 1];
};

struct tuf_client {
	int dir_fd;
	struct tuf_client_options options;
	int64_t now;  /* the fixed start time of the update (5.1) */
	bool offline; /* nothing is fetched */
	bool ignore_expiry;
	struct tuf_metadata *root, *timestamp, *snapshot;
	struct tuf_role *roles; /* loaded; the first is "targets" */
	struct buf polled;      /* a timestamp fetched before its turn; empty: none */
};

/* Both replace *out by a new buffer of that maximum. The folder's names of delegated roles are
 * percent-encoded, the repository's are not. ERR_NOT_FOUND, ERR_TOO_LARGE, … */
int tuf_cache_read(struct tuf_client *c, const char *name, size_t max, struct buf *out,
		   struct error *err);
int tuf_fetch_metadata(struct tuf_client *c, const char *name, size_t max, struct buf *out,
		       struct error *err);
int tuf_cache_write(struct tuf_client *c, const char *name, const struct buf *data,
		    struct error *err);
int tuf_check_expiry(const struct tuf_client *c, const struct tuf_metadata *md, const char *what,
		     struct error *err);

int tuf_update_timestamp(struct tuf_client *c, struct error *err); /* 5.4 */
int tuf_update_snapshot(struct tuf_client *c, struct error *err);  /* 5.5 */
int tuf_load_top_targets(struct tuf_client *c, struct error *err); /* 5.6.1 to 5.6.6 */
/* The same for a role that `delegator` delegates to. */
int tuf_load_delegated(struct tuf_client *c, const struct tuf_role *delegator,
		       const json_t *delegation, const struct tuf_role **ret, struct error *err);
void tuf_roles_free(struct tuf_client *c);
