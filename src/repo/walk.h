/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A repository read the way a machine reads it, from its first root to the last target. */
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"

struct walk_result {
	size_t roles, modules, attestations, bytes;
	char until[CLOCK_TEXT_MAX]; /* when the first of its roles expires */
	json_t *report; /* {"roles": [{"role", "version", "expires", "modules"}]}; the caller's */
};

/*
 * Runs the TUF client of src/tuf over a folder that holds metadata/ and targets/, in a temporary
 * trusted folder: root chain, top-level roles, every delegated role, every target with its hash,
 * its custom, its record, its attestations, and the module's hash before signing. `root` is the
 * trusted root.json (NULL: metadata/1.root.json of the folder itself). Errors are those a client
 * would give.
 */
int walk_repository(const char *tree, const char *root, int64_t now, struct walk_result *ret,
		    struct error *err);
/* The folder that holds metadata/: DIR/repository, or DIR itself. ERR_NOT_FOUND. The caller frees.
 */
int walk_find_tree(const char *dir, char **ret, struct error *err);
