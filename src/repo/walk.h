/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A repository read the way a machine reads it, from its first root to the last target. */
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"

struct walk_options {
	const char *root; /* trusted root.json; NULL: metadata/1.root.json of the folder itself */
	int64_t now;
	bool expired_roles; /* delegated roles past their date are a warning, no error */
	bool bad_targets;   /* so are targets of tiers and evidence, which are left out then */
	bool copied; /* from the repository: what is bad is no reason to take it off a list */
};

/* A file that was read and verified. */
struct walk_file {
	char *path; /* below the repository: "metadata/timestamp.json" */
	size_t len;
	char sha256[SHA256_HEX_LEN + 1];
};

struct walk_result {
	size_t roles, modules, bytes;
	size_t attestations;        /* that count */
	char until[CLOCK_TEXT_MAX]; /* when the first of the top-level roles expires */
	json_t *report; /* {"roles": [{"role", "version", "expires", "modules"}], "warnings"} */
	struct walk_file *files; /* everything that was verified; some twice */
	size_t n_files;
	json_t *bad; /* [{"role", "path"}] of the targets that were left out */
};
void walk_result_done(struct walk_result *result);
#define _cleanup_walk_ _cleanup_(walk_result_done)

/*
 * Runs the TUF client of src/tuf over a folder that holds metadata/ and targets/, in a temporary
 * trusted folder: root chain, top-level roles, every delegated role, every target with its hash,
 * its custom, its record, and the module's hash before signing. Roots before the trusted one must
 * lead to it. Attestations that `custom` names and that do not count, since their key was revoked
 * or others took their place, are warnings: a tier's demand is met or not when a module comes in.
 * Errors are those a client would give. With `bad_targets` whoever has the keys of an online tier
 * cannot keep the other roles, a recall above all, from being published by listing what is not
 * there. The recall list itself must always be good: without it no machine goes on.
 */
int walk_repository(const char *tree, const struct walk_options *options, struct walk_result *ret,
		    struct error *err);
/* The warnings, on standard error. */
void walk_print_warnings(const struct walk_result *result);
/* The folder that holds metadata/: DIR/repository, or DIR itself. ERR_NOT_FOUND. The caller frees.
 */
int walk_find_tree(const char *dir, char **ret, struct error *err);
