/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this machine believes: the bundle it was given, and the repository's metadata, verified here
 * on bytes that the fetcher hands over.
 */
#pragma once

#include "agent/agent.h"
#include "tuf/client.h"
#include "wire/recall.h"
#include "wire/target_custom.h"

/* Reads trust/bundle.json. */
int trust_load_bundle(const struct settings_paths *paths, struct bundle **ret, struct error *err);
/* Puts a new trust folder, made from a bundle's bytes, in the place of the old one as one step: the
 * first root is checked against itself before. */
int trust_install(const struct settings_paths *paths, const void *data, size_t len,
		  const struct bundle *bundle, struct error *err);
/* Removes it. */
int trust_remove(const struct settings_paths *paths, struct error *err);

/* One version that this machine's tier lists for its kernel build. */
struct trust_version {
	struct patch_version version;
	bool withdrawn; /* on the recall list for this kernel */
	bool refused;   /* by the checks of what was downloaded; set by who made them */
	char module[MODULE_NAME_BYTES];
	struct tuf_target target;     /* of the module; belongs to the view */
	struct target_custom *custom; /* owned */
};

/* What the signed roles say now. */
struct trust_view {
	struct tuf_client *client;
	struct trust_version *versions; /* ascending */
	size_t n;
	struct recall *recall; /* NULL: the repository has none */
	/* Code ERR_EXPIRED: this tier's role has expired, all above it and the recall list are in
	 * date. There are no versions then; all that follows from the view is what a recall says.
	 */
	struct error tier_expired;
};

/*
 * The TUF client workflow (specification 1.0.34, section 5) through the fetcher, then the recall
 * list and this tier's role. A tier's role that has expired is no error when there is a recall
 * list, since taking back must not wait for it: see tier_expired. Errors as tuf_client_refresh().
 * The caller frees with trust_view_free().
 */
int trust_refresh(struct agent *agent, struct trust_view **ret, struct error *err);
void trust_view_free(struct trust_view *view);
DEFINE_CLEANUP(struct trust_view *, trust_view_free);

/*
 * Notes in agent->dates which of the trusted roles that this machine needs (the four of the top
 * level, its tier, recall) expires first, whatever the clock says. `view`: of a refresh, whose
 * roles need not be verified again, or NULL. What was noted before stays when there is none and the
 * folder is between two states, as after a refresh that failed in the middle.
 */
void trust_note_dates(struct agent *agent, const struct trust_view *view);

/* The listed version, or NULL. */
const struct trust_version *trust_find(const struct trust_view *view, struct patch_version version);
/* Is a version withdrawn for the running kernel? */
bool trust_is_withdrawn(const struct trust_view *view, struct patch_version version,
			const char *kernel);

/*
 * Downloads a listed version's module and build record (each at most `max` of its buffer) and
 * checks length and hash of both against what was signed. ERR_HASH, ERR_TOO_LARGE, …
 */
int trust_download(struct agent *agent, struct trust_view *view,
		   const struct trust_version *version, struct buf *module, struct buf *record,
		   struct error *err);
