/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the repository keeps about a module beside it, in the role `evidence`, so that machines need
 * not load it: "evidence/<release>/<build id>/<module>" with one of these endings.
 *
 *   .build.json           SLSA Provenance in a DSSE envelope
 *   .lab.json, .lab-2.json, …   Test Results in DSSE envelopes
 *   .source.tar           the corresponding source (source.h)
 *
 * The role's metadata also holds `attestation_keys`, the keys whose envelopes count: those that it
 * signed with, until they are revoked.
 */
#pragma once

#include "repo/attestation.h"
#include "repo/repository.h"
#include "wire/target_custom.h"

#define EVIDENCE_MAX_LABS 14 /* test records of one module */

/* A module to be added. */
struct evidence_input {
	const struct record *record;
	const struct buf *text;    /* the record's bytes */
	const char *const *places; /* where its source may be */
	size_t n_places;
};

/* Fills a subject from the bytes of a module and of its record (NULL: whatever record it has); the
 * strings are borrowed. ERR_SIGNATURE when it is not signed. */
int evidence_subject(const char *name, const char *kernel, const char *build_id,
		     const struct buf *module, const struct buf *record,
		     struct attestation_subject *ret, struct error *err);

/*
 * Adds provenance and source of a module to the role, signed; good ones that are there stay as they
 * are. Sources that are not there are no error: *ret_missing then says why (zeroed otherwise).
 * ERR_NOT_FOUND when the repository has no role `evidence`, ERR_UNTRUSTED when too few of its keys
 * are here, ERR_DENIED when what was given does not open them: the role is as it was then.
 */
int evidence_add_build(struct repository *repo, const struct evidence_input *input,
		       const struct attestation_subject *subject, struct error *ret_missing,
		       struct error *err);
/* Adds a test record (the bytes of a file), which must say that this module passed on its kernel.
 * Errors as attestation_check_lab(); ERR_EXISTS when it is there already. */
int evidence_add_lab(struct repository *repo, const struct attestation_subject *subject,
		     const void *data, size_t len, struct error *err);

/* The attestations of a module as a role lists them, for `custom`. The array is freed with its
 * owner. */
int evidence_list(const json_t *role, const struct attestation_subject *subject,
		  struct target_custom *custom, struct error *err);

/*
 * Checks that there is good evidence of this kind about a module: listed in `role` (the signed part
 * of the role's metadata), whole, signed, about this module, and passed. `tree` is the folder that
 * holds targets/; bytes that are not written yet come from `repo`, which may be NULL. ERR_NOT_FOUND
 * when there is none, or the first error that there is. Source counts if the module's provenance
 * names it.
 */
int evidence_check(const struct repository *repo, const json_t *role, const char *tree,
		   const struct attestation_subject *subject, enum evidence_kind kind,
		   struct error *err);
/* Checks one attestation that `custom` names: it is listed in `role` (NULL: there is none), whole,
 * signed and about this module. */
int evidence_check_listed(const json_t *role, const char *tree,
			  const struct attestation_subject *subject, const char *sha256,
			  struct error *err);

/* Takes the evidence of modules that no tier lists any more out of the role, if its keys are here.
 * Files stay. */
int evidence_prune(struct repository *repo, struct error *err);
/* The keys whose envelopes count, by ID, borrowed; NULL when there are none, and for other roles.
 */
const json_t *evidence_keys(struct repository *repo, const char *role);
/* Envelopes of the key of that ID do not count any more; how many such keys there were. */
int evidence_forget_key(struct repository *repo, const char *id, size_t *ret_n, struct error *err);
