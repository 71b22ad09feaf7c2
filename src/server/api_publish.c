/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `suture-repo publish` puts here, file by file, in the order in which readers never see half.
 * The server vouches for nothing of it: machines verify. It only keeps out what could be no part of
 * a repository, and an older timestamp over a newer one.
 */
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "server/api.h"
#include "server/server.h"

#define TIMESTAMP     "metadata/timestamp.json"
#define TIMESTAMP_MAX ((size_t)64 * 1024)
#define VERSION_MAX   INT64_MAX

static int read_version(const void *data, size_t len, int64_t *ret, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	json_t *body;
	int r = json_parse(data, len, &object, err);

	if (r == 0)
		r = json_get_object(object, "signed", 1024, &body, err);
	return r < 0 ? r : json_get_int(body, "version", 1, VERSION_MAX, ret, err);
}

static int check_timestamp(const char *path, const struct buf *body, struct error *err)
{
	_cleanup_buf_ struct buf old = BUF_INIT(TIMESTAMP_MAX);
	int64_t before, after;
	int r = read_version(body->data, body->len, &after, err);

	if (r < 0)
		return r;
	if (file_read(path, &old, NULL) < 0 || read_version(old.data, old.len, &before, NULL) < 0 ||
	    before <= after)
		return 0;
	return error_set(err, ERR_BAD_STATE, "timestamp %lld is here, newer than %lld",
			 (long long)before, (long long)after);
}

/* "N.<role>.json" holds version N. */
static int check_metadata(const char *name, const struct buf *body, struct error *err)
{
	char *end;
	long long wanted = strtoll(name, &end, 10);
	int64_t version;
	int r = read_version(body->data, body->len, &version, err);

	if (r == 0 && (name[0] < '1' || name[0] > '9' || *end != '.' || version != wanted))
		r = error_set(err, ERR_INVALID, "its name says another version");
	return r;
}

/* "<SHA-256>.<name>" has that hash. */
static int check_target(const char *name, const struct buf *body, struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(body->data, body->len, sha256) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (strncmp(name, sha256, SHA256_HEX_LEN) != 0 || name[SHA256_HEX_LEN] != '.')
		return error_set(err, ERR_INVALID, "its name says another hash");
	return 0;
}

static int check(const char *relative, const char *path, const struct buf *body, struct error *err)
{
	bool metadata = str_has_prefix(relative, "metadata/");
	const char *name = path_base(relative);

	if (!path_is_safe_relative(relative) || name[0] == '.' ||
	    (!metadata && !str_has_prefix(relative, "targets/")) ||
	    (metadata &&
	     (strchr(relative + strlen("metadata/"), '/') || !str_has_suffix(name, ".json"))))
		return error_set(err, ERR_INVALID, "not a file of a repository");
	if (streq(relative, TIMESTAMP))
		return check_timestamp(path, body, err);
	return metadata ? check_metadata(name, body, err) : check_target(name, body, err);
}

int api_repository_put(void *app, struct http_request *request, struct http_response *response,
		       struct error *err)
{
	struct server *server = app;
	_cleanup_free_ char *path = path_join(server->repository_dir, request->parameter, NULL);
	_cleanup_free_ char *folder = path ? strdup(path) : NULL;
	struct error local = { 0 };
	int r;

	if (!folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = check(request->parameter, path, &request->body, err);
	if (r < 0)
		return r;
	*strrchr(folder, '/') = '\0';
	r = file_make_dirs(folder, 0755, &local);
	if (r == 0)
		r = file_write_atomic(path, request->body.data, request->body.len, 0644, &local);
	if (r < 0) {
		error_remove(&local, server->repository_dir);
		return error_set(err, r, "%s", local.message);
	}
	response->status = 201;
	return 0;
}
