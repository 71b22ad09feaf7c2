/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publishing to a server: HTTPS to its people's listener, as whom suture-admin logged in. */
#pragma once

#include "repo/walk.h"

struct upload;

/*
 * `url` is "https://host[:port]"; the session is that of suture-admin's file (`session`, NULL:
 * $XDG_CONFIG_HOME/suture/session.json), which must be for this address. ERR_NOT_FOUND (not logged
 * in), ERR_INVALID. The caller frees.
 */
int upload_new(const char *url, const char *session, struct upload **ret, struct error *err);
void upload_free(struct upload *upload);
DEFINE_CLEANUP(struct upload *, upload_free);
#define _cleanup_upload_ _cleanup_(upload_freep)

/* A publication's `get` and `put`: ERR_EXISTS when the server has these very bytes.
 * ERR_UNREACHABLE, ERR_UNTRUSTED, and what the server says. */
int upload_get(void *upload, const char *path, size_t max, struct buf *out, struct error *err);
int upload_put(void *upload, const struct walk_file *file, const struct buf *data,
	       struct error *err);
