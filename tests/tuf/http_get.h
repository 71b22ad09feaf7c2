/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP GET for the TUF test driver: bounded in size, with a least transfer rate, no redirects. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct http_get;

/* A server that sends fewer than `rate` bytes a second for `stall` seconds is given up, and one
 * that has not sent all in the time that `max` bytes take at that rate. */
int http_get_new(long rate, long stall, struct http_get **ret, struct error *err);
void http_get_free(struct http_get *get);
DEFINE_CLEANUP(struct http_get *, http_get_free);

/*
 * Appends the body of a 200 to `out`, at most `max` bytes. ERR_TOO_LARGE (as soon as there is
 * more), ERR_NOT_FOUND (403, 404, 410), ERR_TIMEOUT (too slow), ERR_UNREACHABLE, ERR_PROTOCOL
 * (anything else). On failure `out` may hold a part.
 */
int http_get(struct http_get *get, const char *url, size_t max, struct buf *out, struct error *err);
