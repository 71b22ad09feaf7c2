/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a file that somebody with a login sends may take its place in the served repository. What
 * machines would stumble over must be signed: a root by the root before it, the timestamp by the
 * newest root that is there. What they read now stays as it is: another file of the same version as
 * the one that the timestamp leads to is refused, a right one repairs what is damaged. Everything
 * else counts for nothing until a timestamp leads to it.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/*
 * `path` is below the repository's folder `dir`. ERR_INVALID: no file of a repository, or its name
 * says another version or hash; ERR_DENIED: not signed; ERR_BAD_STATE: older than what is there, or
 * in its place. Others that write meanwhile are the caller's to keep out.
 */
int incoming_check(const char *dir, const char *path, const struct buf *data, struct error *err);
