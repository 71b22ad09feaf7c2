/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTPS to one server, over libcurl: TLS 1.2 or newer, no redirects, no other protocol, bounded in
 * size and time. A connection is kept between requests of one client.
 */
#pragma once

#include "base/error.h"
#include "base/file.h"

/* Most bytes of all header lines of one answer, trailers included. */
#define HTTP_HEADERS_MAX (64 * 1024)
/* Most bytes taken of an answer that says no (a problem document, or somebody's HTML). */
#define HTTP_REFUSAL_MAX (16 * 1024)

/* Time limits, seconds, at least 1. */
struct http_limits {
	int connect; /* until TLS is set up */
	int stall;   /* at less than `rate` bytes/s for so long, the server counts as stuck */
	int rate;    /* bytes/s */
	int total;   /* from start to end of one request */
};

/* Whom to believe and as whom to speak; copied by http_client_new(). */
struct http_trust {
	const char *server_ca;   /* PEM; NULL: any server (the caller knows the answer's hash) */
	const char *certificate; /* PEM, or NULL for none */
	const char *key;         /* PEM, or NULL for none */
};

struct http_client;

/* `abort_fd`: a socket; when its other end closes, a running request is given up. -1: none. */
int http_client_new(const struct http_trust *trust, const struct http_limits *limits, int abort_fd,
		    struct http_client **ret, struct error *err);
void http_client_free(struct http_client *client);
DEFINE_CLEANUP(struct http_client *, http_client_free);

/*
 * One request: GET, or POST of `json` unless NULL. 200 and 201 succeed: `ret_fd` gets the body, at
 * most `max` bytes, as a memory file not yet sealed; the caller closes. `ret_status` gets the
 * HTTP status even on failure, 0 if there was none.
 * Errors, each with a message that names the cause: ERR_UNREACHABLE (name, connection, 429, 502 to
 * 504), ERR_TIMEOUT, ERR_UNTRUSTED (TLS), ERR_TOO_LARGE, ERR_NOT_FOUND (404, 410), ERR_DENIED (401,
 * 403), ERR_PROTOCOL (redirects, other statuses, broken answers), ERR_NO_MEMORY, -errno.
 */
int http_client_request(struct http_client *client, const char *url, const char *json, size_t max,
			int *ret_status, int *ret_fd, struct error *err);
