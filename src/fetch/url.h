/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of the server. Only `https://host[:port]` is one; a path is plain text that is encoded
 * here, so that nothing in it can change scheme, host, query or the folder it is below (RFC 3986).
 */
#pragma once

#include "base/error.h"

/* Most bytes that url_join() yields: every byte of a path may become three. */
#define URL_JOINED_MAX (512 + 1 + 3 * 1024)

/* Checks a server's address: `https://`, a host name, IPv4 address or [IPv6 address], perhaps a
 * port of 1 to 65535, nothing more. ERR_INVALID. */
int url_check(const char *url, struct error *err);

/*
 * `base` (as url_check() wants it), one '/', and `path` with everything but letters, digits,
 * `-._~` and '/' percent-encoded. A leading '/' of `path` is not needed. Empty, "." and ".." parts
 * and control characters are refused with ERR_INVALID. The caller frees.
 */
int url_join(const char *base, const char *path, char **ret, struct error *err);
