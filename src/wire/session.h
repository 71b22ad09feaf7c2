/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A login that is kept: $XDG_CONFIG_HOME/suture/session.json (~/.config without it), mode 0600.
 * suture-admin writes it; suture-repo publishes with it.
 */
#pragma once

#include "base/error.h"

#define SESSION_URL_MAX 512
#define SESSION_CA_MAX  ((size_t)64 * 1024)

/* Strings are owned. */
struct session {
	char *url; /* "https://host[:port]" without a final slash */
	char *ca;  /* PEM; NULL: the system's certificates */
	char *user;
	char *secret; /* NULL before the login */
};

void session_clear(struct session *session); /* overwrites the secret */
#define _cleanup_session_ _cleanup_(session_clear)

/* `path` NULL: where it is kept. ERR_NOT_FOUND with a hint when nobody is logged in; ERR_INVALID.
 * The caller clears. */
int session_load(const char *path, struct session *ret, struct error *err);
int session_save(const struct session *session, struct error *err);
/* A missing file is no error. */
int session_remove(struct error *err);
/* Checks "https://host[:port]" and copies it without a final slash. ERR_INVALID. */
int session_set_url(struct session *session, const char *url, struct error *err);
