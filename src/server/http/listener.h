/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTPS listener over libmicrohttpd: TLS 1.2 or newer, limits on connections, headers, bodies
 * and time, a routing table, errors as problem+json.
 */
#pragma once

#include "server/http/router.h"

struct http_listener;

struct http_listener_options {
	const char *address;           /* IPv4 or IPv6 address */
	uint16_t port;                 /* 0: one that is free */
	const char *certificate, *key; /* PEM; must outlive the listener */
	const char *client_ca;         /* PEM: clients are asked for a certificate; NULL: not */
	const struct http_route *routes;
	void *app; /* handed to guards and handlers, which several threads call at once */
	unsigned threads;
	unsigned connections, connections_per_address;
	/* Milliseconds: for TLS and the headers of a request (or until the next one), for its
	 * body (and one more for each 64 bytes of it that have come), and for taking the answer. A
	 * connection over its time is cut. */
	int header_ms, body_ms, answer_ms;
};

/* What a listener has counted since its start. */
struct http_counters {
	uint64_t requests, client_errors, server_errors, cut_off;
};

/* -errno (EADDRINUSE, …), ERR_INVALID (address, certificate). Stop it with http_listener_stop(). */
int http_listener_start(const struct http_listener_options *options, struct http_listener **ret,
			struct error *err);
/* Ends every connection and returns when no handler runs any more. */
void http_listener_stop(struct http_listener *listener);
DEFINE_CLEANUP(struct http_listener *, http_listener_stop);

uint16_t http_listener_port(const struct http_listener *listener);
struct http_counters http_listener_counters(struct http_listener *listener);
