/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/server.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#define LISTEN_FILE        "listen.json"
#define MACHINE_THREADS    4
#define PEOPLE_THREADS     2
#define PEOPLE_CONNECTIONS 256
#define LOGIN_FAILURES     10
#define LOGIN_WINDOW_S     900
#define ADDRESS_MAX        64

int server_split_address(const char *text, char *ret_address, size_t size, uint16_t *ret_port,
			 struct error *err)
{
	const char *colon = strrchr(text, ':');
	const char *start = text, *end = colon;
	unsigned long port;
	char *rest;

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return error_set(err, ERR_INVALID, "\"%s\": not ADDRESS:PORT", text);
	port = strtoul(colon + 1, &rest, 10);
	if (*rest || port > 65535 || strlen(colon + 1) > 5)
		return error_set(err, ERR_INVALID, "\"%s\": no such port", text);
	if (*start == '[' && end > start && end[-1] == ']') {
		start++;
		end--;
	}
	if (end == start || (size_t)(end - start) >= size)
		return error_set(err, ERR_INVALID, "\"%s\": not ADDRESS:PORT", text);
	memcpy(ret_address, start, (size_t)(end - start));
	ret_address[end - start] = 0;
	*ret_port = (uint16_t)port;
	return 0;
}

static int listen_on(struct server *server, const char *where, bool people,
		     struct http_listener **ret, struct error *err)
{
	const struct server_options *o = &server->options;
	char address[ADDRESS_MAX];
	struct http_listener_options options = {
		.address = address,
		.certificate = pki_server_certificate(server->pki),
		.key = pki_server_key(server->pki),
		.client_ca = people ? NULL : pki_ca_certificate(server->pki),
		.routes = people ? server_people_routes : server_machine_routes,
		.app = server,
		.threads = people ? PEOPLE_THREADS : MACHINE_THREADS,
		.connections = people ? PEOPLE_CONNECTIONS : (unsigned)o->connections,
		.connections_per_address = (unsigned)o->connections_per_address,
		.header_ms = (int)o->header_s * 1000,
		.body_ms = (int)o->body_s * 1000,
		.answer_ms = (int)o->answer_s * 1000,
	};
	int r = server_split_address(where, address, sizeof(address), &options.port, err);

	return r < 0 ? r : http_listener_start(&options, ret, err);
}

static json_t *where_object(const char *where, const struct http_listener *listener)
{
	char address[ADDRESS_MAX];
	uint16_t port;

	if (server_split_address(where, address, sizeof(address), &port, NULL) < 0)
		return NULL;
	return json_pack("{s:s, s:i}", "address", address, "port",
			 (int)http_listener_port(listener));
}

/* Tells where it listens, for whoever waits for the start. */
static int announce(struct server *server, struct error *err)
{
	_cleanup_free_ char *path = data_dir_path(&server->dir, LISTEN_FILE);
	_cleanup_free_ char *ca = data_dir_path(&server->dir, "pki/ca.pem");
	_cleanup_buf_ struct buf line = BUF_INIT(16 * 1024);
	_cleanup_json_ json_t *object = NULL;
	int r;

	object = json_pack("{s:o, s:o, s:s}", "machines",
			   where_object(server->options.listen, server->machines), "people",
			   where_object(server->options.listen_people, server->people), "ca",
			   ca ? ca : "");
	if (!object || !path || !ca)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", LISTEN_FILE);
	r = json_append(object, &line);
	if (r == 0)
		r = buf_append_byte(&line, '\n');
	if (r < 0)
		return error_set(err, r, "%s: does not fit", LISTEN_FILE);
	r = file_write_atomic(path, line.data, line.len, 0644, err);
	return r < 0 ? r : file_write_fd(STDOUT_FILENO, line.data, line.len, err);
}

static int open_parts(struct server *server, struct error *err)
{
	const struct server_options *o = &server->options;
	_cleanup_free_ char *listen_file = NULL, *pki = NULL, *metadata = NULL;
	int r = data_dir_open(o->data, &server->dir, err);

	if (r < 0)
		return r;
	listen_file = data_dir_path(&server->dir, LISTEN_FILE);
	pki = data_dir_path(&server->dir, "pki");
	metadata = data_dir_path(&server->dir, "repository-metadata");
	server->bundle_path = data_dir_path(&server->dir, "trust-bundle.json");
	server->repository_dir =
		o->repository ? strdup(o->repository) : data_dir_path(&server->dir, "repository");
	if (!listen_file || !pki || !metadata || !server->bundle_path || !server->repository_dir)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", o->data);
	r = file_remove(listen_file, err);
	if (r == 0)
		r = data_dir_open_store(&server->dir, &server->store, err);
	if (r == 0)
		r = pki_open(pki, o->names, o->n_names, clock_now(), &server->pki, err);
	if (r == 0)
		r = data_dir_first_user(&server->dir, server->store, err);
	if (r == 0)
		r = rate_limit_new(LOGIN_FAILURES, LOGIN_WINDOW_S, &server->logins, err);
	if (r == 0)
		r = repository_new(server->repository_dir, metadata, &server->repository, err);
	return r;
}

int server_start(const struct server_options *options, struct server **ret, struct error *err)
{
	_cleanup_(server_stopp) struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	server->options = *options;
	pthread_mutex_init(&server->publishing, NULL);
	server->dir.lock_fd = -1;
	r = open_parts(server, err);
	if (r < 0)
		return r;
	repository_update(server->repository, clock_now());
	r = listen_on(server, options->listen, false, &server->machines, err);
	if (r == 0)
		r = listen_on(server, options->listen_people, true, &server->people, err);
	if (r == 0)
		r = announce(server, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(server);
	return 0;
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	http_listener_stop(server->machines);
	http_listener_stop(server->people);
	repository_free(server->repository);
	rate_limit_free(server->logins);
	pki_free(server->pki);
	store_close(server->store);
	data_dir_close(&server->dir);
	pthread_mutex_destroy(&server->publishing);
	free(server->repository_dir);
	free(server->bundle_path);
	free(server);
}
