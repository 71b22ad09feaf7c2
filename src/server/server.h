/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server as a whole: what its handlers share, its start and its end. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "server/data_dir.h"
#include "server/http/listener.h"
#include "server/pki.h"
#include "server/rate_limit.h"
#include "server/repository.h"
#include "server/store/store.h"

#define SERVER_NAMES_MAX 32

struct server_options {
	const char *data;
	const char *listen, *listen_people;  /* "ADDRESS:PORT", an IPv6 address in brackets */
	const char *names[SERVER_NAMES_MAX]; /* of the server's certificate */
	size_t n_names;
	const char *repository; /* NULL: `repository` in the data folder */
	int64_t interval;       /* seconds between check-ins */
	int64_t session;        /* seconds that a login lasts */
	int64_t connections, connections_per_address;
	int64_t header_s, body_s, answer_s; /* time limits of a request's parts */
};

/* What /metrics shows besides the listeners' own counters. */
struct server_counters {
	_Atomic uint64_t enrolments, enrolments_denied, check_ins, grants, logins_denied;
};

struct server {
	struct server_options options;
	struct data_dir dir;
	struct store *store;
	struct pki *pki;
	struct repository *repository;
	char *repository_dir, *bundle_path;
	pthread_mutex_t publishing; /* held by whoever writes to the repository */
	struct rate_limit *logins;
	struct server_counters counters;
	struct http_listener *machines, *people;
};

/* Opens everything and listens; then writes `listen.json` in the data folder and the same line to
 * standard output. The caller stops it with server_stop(). */
int server_start(const struct server_options *options, struct server **ret, struct error *err);
void server_stop(struct server *server);
DEFINE_CLEANUP(struct server *, server_stop);

/* Takes "ADDRESS:PORT" or "[ADDRESS]:PORT" apart. ERR_INVALID. */
int server_split_address(const char *text, char *ret_address, size_t size, uint16_t *ret_port,
			 struct error *err);

/* The routing tables (api.c), each to be given a struct server. */
extern const struct http_route server_machine_routes[];
extern const struct http_route server_people_routes[];
