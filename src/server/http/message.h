/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request as handlers see it, and the answer they fill in. */
#pragma once

#include <netinet/in.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

#define HTTP_JSON          "application/json"
#define HTTP_NO_STORE      "no-store"
#define HTTP_ANSWER_MAX    ((size_t)8 * 1024 * 1024) /* bytes of an answer's body in memory */
#define HTTP_ETAG_MAX      96
#define HTTP_PARAMETER_MAX 1024

struct MHD_Connection;

struct http_request {
	const char *method;    /* "GET", "POST", "DELETE"; HEAD arrives as GET */
	const char *path;      /* percent-decoded, without the query */
	const char *parameter; /* the part of the path that the route's pattern left open, or "" */
	struct buf body;
	char peer[INET6_ADDRSTRLEN]; /* address of the other end */
	void *identity; /* what the route's guard found out of the peer; freed with free() */
	struct MHD_Connection *connection;
};

struct http_response {
	int status;                /* of a success; 0: 200. Of a failure: 0: by the error code */
	const char *content_type;  /* static storage; NULL: HTTP_JSON */
	const char *cache_control; /* static storage; NULL: HTTP_NO_STORE */
	char etag[HTTP_ETAG_MAX];  /* with its quotes, or "" */
	int retry_after;           /* seconds, or 0 */
	bool ask_bearer;           /* a 401 that wants a session */
	struct buf body;
	int fd; /* >= 0: the body is this file instead, closed when it was sent */
	uint64_t size;
};

/* Does the request. On a negative code the listener sends *err as problem+json. */
typedef int (*http_handler_fn)(void *app, struct http_request *request,
			       struct http_response *response, struct error *err);

/* A header's or a query argument's value, or NULL; belongs to the request. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_argument(const struct http_request *request, const char *name);

/* The SHA-256 of the client's certificate, once the TLS library found that it leads to the
 * listener's CA, is within its dates, and may serve as a client. ERR_DENIED: there is none;
 * ERR_UNTRUSTED: it is not that. */
int http_client_certificate(const struct http_request *request, uint8_t ret[static SHA256_LEN],
			    struct error *err);
