/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signed module with its build record: as it is brought, and as a tier lists it. What is checked
 * when it comes in is checked again whenever it goes on to another tier, since who has the keys of
 * one tier may have listed what never came in.
 */
#pragma once

#include "module/signature.h"
#include "repo/repository.h"
#include "wire/record.h"
#include "wire/target_custom.h"

struct submission {
	struct buf module;     /* signed */
	struct buf text;       /* of the record */
	struct record *record; /* the same, parsed; NULL before it */
};
void submission_free(struct submission *s);
#define _cleanup_submission_ _cleanup_(submission_free)

/* An empty one, whose buffers take no more than a module and a record may have. */
struct submission submission_new(void);

/*
 * Parses the record (`text`) and checks that both belong together: the module is signed; before
 * that it had the hash, and it has the name and the vermagic, that the record says; it is a
 * livepatch, and says itself that it is of this record (record_check_code()). ERR_SIGNATURE,
 * ERR_INVALID, and those of record_parse().
 */
int submission_check(struct submission *s, struct error *err);

/*
 * Checks a target's place and `custom` against the record, after submission_check(): the path,
 * version, kernel, build ID, severity, CVEs, and length and hash of the record's bytes. ERR_HASH
 * for another record, ERR_INVALID.
 */
int submission_check_custom(const struct submission *s, const struct target_path_parts *parts,
			    const struct target_custom *custom, struct error *err);

/*
 * Who signed the module: one of the certificates (*.crt) in `keys`, or, if that is NULL, in the
 * folder of offline keys that the settings name (but not those of a folder that was handed over);
 * it must have been valid at `time`. `ret` may be NULL. ERR_NOT_FOUND when there is no certificate;
 * errors as signature_verify(), and -errno of a folder that cannot be read.
 */
int submission_find_signer(const struct repository *repo, const char *keys,
			   const struct submission *s, int64_t time, struct signature_signer *ret,
			   struct error *err);
/*
 * The same now. Without any certificate nothing can be compared (an online tier is changed without
 * offline keys): machines refuse what their trust bundle does not name, so that is said on standard
 * error, and 0.
 */
int submission_check_signer(const struct repository *repo, const char *keys,
			    const struct submission *s, struct error *err);

/*
 * Whether what a role lists, after submission_load(), may be listed in `tier`, by whomever it was
 * brought so far: the signer as above, whose certificate must also have been valid on the day of
 * publication; that day, which must have come; and what the tier demands. For all ways into a tier
 * but `add`, which knows more. ERR_INVALID, ERR_DENIED, and those of submission_check_signer().
 */
int submission_check_release(const struct repository *repo, const char *keys, const char *tier,
			     const struct target_path_parts *parts,
			     const struct target_custom *custom, const struct submission *s,
			     struct error *err);

/*
 * Reads what a role lists under a module's path, bytes that wait too, with every check above but
 * that of the signer. `ret` is one of submission_new(). The caller frees both, also after an error.
 */
int submission_load(struct repository *repo, const struct repo_role *role, const char *path,
		    struct target_path_parts *ret_parts, struct target_custom **ret_custom,
		    struct submission *ret, struct error *err);
