/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The form of metadata files: every field that TUF 1.0.34 section 4 prescribes, and nothing about
 * trust. For use inside src/tuf. */
#pragma once

#include "tuf/metadata.h"

/* Checks a whole file. ERR_INVALID, ERR_UNSUPPORTED (specification version). */
int tuf_form_check(enum tuf_type type, const json_t *envelope, int64_t *ret_version,
		   int64_t *ret_expires, struct error *err);
/* False for names that cannot be a delegated role's: empty, too long, or a top-level role's. */
bool tuf_role_name_is_valid(const char *name);
