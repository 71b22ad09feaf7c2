/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OLPC canonical JSON (wiki.laptop.org, "Canonical JSON"; TUF 1.0.34 section 4.1): the one byte
 * form of a JSON value that is hashed and signed. No white space, object keys in the order of their
 * UTF-8 bytes, strings with only '"' and '\' escaped, integers only.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends the canonical form. ERR_INVALID for a number that is no integer, ERR_TOO_LARGE over
 * out->max, ERR_NO_MEMORY. */
int tuf_canonical(const json_t *value, struct buf *out, struct error *err);
