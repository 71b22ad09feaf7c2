/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the admin API: HTTPS through libcurl, JSON both ways. */
#pragma once

#include "wire/session.h"
#include "base/json.h"

#define CLIENT_ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define CLIENT_TIMEOUT_S  60

/*
 * One request of the session's server. `path` begins with "/v1/"; `body` NULL: none. A success
 * gives the answer's object in *ret (the caller's; NULL when it has no body, `ret` may be NULL
 * then). Failures carry the server's own code and message; ERR_UNREACHABLE, ERR_UNTRUSTED (TLS),
 * ERR_TIMEOUT, ERR_PROTOCOL (no JSON), ERR_TOO_LARGE.
 */
int client_request(const struct session *session, const char *method, const char *path,
		   const json_t *body, json_t **ret, struct error *err);
/* All pages of a list: the items of the array `key`, as one array. */
int client_list(const struct session *session, const char *path, const char *key, json_t **ret,
		struct error *err);
