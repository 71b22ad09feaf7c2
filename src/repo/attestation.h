/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attestations say: in-toto statements (Statement v1) about one module. A build record becomes
 * SLSA Provenance v1, a test record of suture-lab is a Test Result already.
 */
#pragma once

#include "base/json.h"
#include "wire/record.h"

#define ATTESTATION_TYPE "application/vnd.in-toto+json" /* of the payload */

/* The module that a statement has to be about. */
struct attestation_subject {
	char sha256[SHA256_HEX_LEN + 1];          /* as published, signed */
	char unsigned_sha256[SHA256_HEX_LEN + 1]; /* as built */
	char record_sha256[SHA256_HEX_LEN + 1];   /* its build record's; "": any */
	const char *module;                       /* its name */
	const char *kernel, *build_id;
};

/* The provenance of a module: what went in, from its build record, whose hash the subject has.
 * `source_sha256` is of the archive of its sources, or NULL. The caller owns *ret. */
int attestation_provenance(const struct record *record, const struct attestation_subject *subject,
			   const char *source_sha256, json_t **ret, struct error *err);
/* Is the statement the provenance of this module, and of its record? ERR_INVALID; ERR_NOT_LISTED
 * when it is about another one, ERR_DENIED about another kernel. */
int attestation_check_build(const json_t *statement, const struct attestation_subject *subject,
			    struct error *err);
/* Does a provenance name a byproduct (the record, the source) of this hash? */
bool attestation_names(const json_t *provenance, const char *sha256);
/*
 * Does the statement say that this very module passed its tests on this kernel build? Signed or
 * not: the code is the same. Another module is ERR_NOT_LISTED, a failed result and another kernel
 * ERR_DENIED, what is no Test Result ERR_INVALID.
 */
int attestation_check_lab(const json_t *statement, const struct attestation_subject *subject,
			  struct error *err);
