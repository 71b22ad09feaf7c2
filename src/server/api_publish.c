/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `suture-repo publish` puts here, file by file, in the order in which readers never see half.
 * The server vouches for nothing of it: machines verify.
 */
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "server/api.h"
#include "server/incoming.h"
#include "server/server.h"

/* The ETag is the hash, in quotes: so a publisher sees what is here already, and what is damaged.
 */
int api_repository_read(void *app, struct http_request *request, struct http_response *response,
			struct error *err)
{
	char path[32], sha256[SHA256_HEX_LEN + 1];
	int r = api_repository(app, request, response, err);

	if (r < 0 || response->fd < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", response->fd);
	r = hash_sha256_file(path, sha256, err);
	if (r == 0)
		snprintf(response->etag, sizeof(response->etag), "\"%s\"", sha256);
	return r;
}

static int put(const struct server *server, const char *path, const struct buf *data,
	       struct error *err)
{
	struct error local = { 0 };
	int r = file_write_below(server->repository_dir, path, data->data, data->len, 0644, &local);

	if (r == 0)
		return 0;
	error_remove(&local, server->repository_dir);
	return error_set(err, r, "%s", local.message);
}

/* One at a time: between looking and writing nobody else writes. */
int api_repository_put(void *app, struct http_request *request, struct http_response *response,
		       struct error *err)
{
	struct server *server = app;
	int r;

	pthread_mutex_lock(&server->publishing);
	r = incoming_check(server->repository_dir, request->parameter, &request->body, err);
	if (r == 0)
		r = put(server, request->parameter, &request->body, err);
	pthread_mutex_unlock(&server->publishing);
	if (r < 0)
		return r;
	response->status = 201;
	return 0;
}
