/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small TUF repository in a temporary folder, for the tests of src/tuf: one Ed25519 key a role,
 * every file can be signed and written at will, so that each wrong state can be made. */
#pragma once

#include "unit.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/json.h"
#include "tuf/client.h"
#include "tuf/metadata.h"

#define REPO_NOW     INT64_C(1750000000)
#define REPO_EXPIRES (REPO_NOW + 86400)

enum { KEY_ROOT, KEY_TIMESTAMP, KEY_SNAPSHOT, KEY_TARGETS, KEY_STABLE, KEY_OTHER, N_KEYS };

struct repo {
	char *dir;    /* holds metadata/, targets/ and client/ */
	char *client; /* the client's folder */
	struct tuf_key *keys[N_KEYS];
	struct tuf_metadata *root, *timestamp, *snapshot, *targets, *stable;
	struct buf first_root;
	unsigned requests; /* answered or not */
	unsigned fail_at;  /* this request fails as an unreachable server does; 0: none */
	char last[256];    /* last path asked for */
	struct error err;
};

static const char *const repo_stable_paths[] = { "stable/*/*" };

static inline void repo_write_at(struct repo *repo, const char *path, const void *data, size_t len)
{
	char *full = path_join(repo->dir, path, NULL);
	char *slash = strrchr(full, '/');

	*slash = '\0';
	assert_ok(file_make_dirs(full, 0755, &repo->err), &repo->err);
	*slash = '/';
	assert_ok(file_write_atomic(full, data, len, 0644, &repo->err), &repo->err);
	free(full);
}

static inline void repo_remove(struct repo *repo, const char *path)
{
	char *full = path_join(repo->dir, path, NULL);

	assert_ok(file_remove(full, &repo->err), &repo->err);
	free(full);
}

/* Signs with one key and writes; `name` such as "stable"; returns the bytes in `ret` when wanted.
 */
static inline void repo_put(struct repo *repo, struct tuf_metadata *md, int key, const char *name,
			    bool versioned, struct buf *ret)
{
	struct buf data = BUF_INIT(2 * TUF_MAX_LISTED);
	char path[128];

	if (key >= 0)
		assert_ok(tuf_metadata_sign(md, repo->keys[key], &repo->err), &repo->err);
	assert_ok(tuf_metadata_write(md, &data, &repo->err), &repo->err);
	if (versioned)
		snprintf(path, sizeof(path), "metadata/%" PRId64 ".%s.json", md->version, name);
	else
		snprintf(path, sizeof(path), "metadata/%s.json", name);
	repo_write_at(repo, path, data.data, data.len);
	if (ret)
		*ret = data;
	else
		buf_free(&data);
}

static inline void repo_set_version(struct repo *repo, struct tuf_metadata *md, int64_t version)
{
	assert_ok(tuf_metadata_set_version(md, version, &repo->err), &repo->err);
}

static inline void repo_publish_root(struct repo *repo)
{
	repo_put(repo, repo->root, KEY_ROOT, "root", true, NULL);
}

static inline void repo_publish_timestamp(struct repo *repo)
{
	repo_put(repo, repo->timestamp, KEY_TIMESTAMP, "timestamp", false, NULL);
}

/* Makes metadata larger by `size` bytes, with a field that nobody knows. */
static inline void repo_fill(struct tuf_metadata *md, size_t size)
{
	char *filler = malloc(size + 1);

	assert_non_null(filler);
	memset(filler, 'x', size);
	filler[size] = '\0';
	assert_int_equal(json_set_str(md->body, "x-more", filler), 0);
	free(filler);
}

/* Snapshot of version `version` and a timestamp one higher than before that names it. */
static inline void repo_publish_snapshot(struct repo *repo)
{
	struct buf data;

	repo_put(repo, repo->snapshot, KEY_SNAPSHOT, "snapshot", true, &data);
	assert_ok(tuf_meta_put(repo->timestamp, "snapshot.json", repo->snapshot->version, data.data,
			       data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	repo_publish_timestamp(repo);
}

/* Everything at its present versions. */
static inline void repo_publish(struct repo *repo)
{
	struct buf data;

	repo_publish_root(repo);
	repo_put(repo, repo->stable, KEY_STABLE, "stable", true, &data);
	assert_ok(tuf_meta_put(repo->snapshot, "stable.json", repo->stable->version, data.data,
			       data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	repo_put(repo, repo->targets, KEY_TARGETS, "targets", true, &data);
	assert_ok(tuf_meta_put(repo->snapshot, "targets.json", repo->targets->version, data.data,
			       data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	repo_publish_snapshot(repo);
}

/* Raises every version by one and publishes. */
static inline void repo_publish_next(struct repo *repo)
{
	repo_set_version(repo, repo->stable, repo->stable->version + 1);
	repo_set_version(repo, repo->targets, repo->targets->version + 1);
	repo_set_version(repo, repo->snapshot, repo->snapshot->version + 1);
	repo_set_version(repo, repo->timestamp, repo->timestamp->version + 1);
	repo_publish(repo);
}

/* Adds a target to a role's metadata and its file to the repository. */
static inline void repo_add_target(struct repo *repo, struct tuf_metadata *role, const char *path,
				   const char *content)
{
	char hex[SHA256_HEX_LEN + 1], file[512];
	const char *base = path_base(path);

	assert_int_equal(hash_sha256_hex(content, strlen(content), hex), 0);
	assert_ok(tuf_targets_put(role, path, (int64_t)strlen(content), hex, NULL, &repo->err),
		  &repo->err);
	snprintf(file, sizeof(file), "targets/%.*s%s.%s", (int)(base - path), path, hex, base);
	repo_write_at(repo, file, content, strlen(content));
}

static inline void repo_set_root_role(struct repo *repo, const char *role, int key)
{
	const struct tuf_key *keys[] = { repo->keys[key] };

	assert_ok(tuf_root_set_role(repo->root, role, keys, 1, 1, &repo->err), &repo->err);
}

static inline void repo_delegate(struct repo *repo, const char *name, int key,
				 const char *const *paths, size_t n, bool terminating)
{
	const struct tuf_key *keys[] = { repo->keys[key] };

	assert_ok(tuf_targets_delegate(repo->targets, name, keys, 1, 1, paths, n, terminating,
				       &repo->err),
		  &repo->err);
}

static inline void repo_make(struct repo *repo)
{
	*repo = (struct repo){ .dir = unit_make_dir() };
	repo->client = path_join(repo->dir, "client", NULL);
	for (int i = 0; i < N_KEYS; i++)
		assert_ok(tuf_key_generate(TUF_KEY_ED25519, 0, &repo->keys[i], &repo->err),
			  &repo->err);
	assert_ok(tuf_metadata_new(TUF_ROOT, REPO_EXPIRES, &repo->root, &repo->err), &repo->err);
	assert_ok(tuf_metadata_new(TUF_TIMESTAMP, REPO_EXPIRES, &repo->timestamp, &repo->err),
		  &repo->err);
	assert_ok(tuf_metadata_new(TUF_SNAPSHOT, REPO_EXPIRES, &repo->snapshot, &repo->err),
		  &repo->err);
	assert_ok(tuf_metadata_new(TUF_TARGETS, REPO_EXPIRES, &repo->targets, &repo->err),
		  &repo->err);
	assert_ok(tuf_metadata_new(TUF_TARGETS, REPO_EXPIRES, &repo->stable, &repo->err),
		  &repo->err);
	repo_set_root_role(repo, "root", KEY_ROOT);
	repo_set_root_role(repo, "timestamp", KEY_TIMESTAMP);
	repo_set_root_role(repo, "snapshot", KEY_SNAPSHOT);
	repo_set_root_role(repo, "targets", KEY_TARGETS);
	repo_delegate(repo, "stable", KEY_STABLE, repo_stable_paths, 1, true);
	repo_add_target(repo, repo->stable, "stable/k1/one.ko", "the first module");
	repo_publish(repo);
	repo->first_root = BUF_INIT(1 << 20);
	assert_ok(tuf_metadata_write(repo->root, &repo->first_root, &repo->err), &repo->err);
	assert_ok(tuf_client_init(repo->client, repo->first_root.data, repo->first_root.len, false,
				  &repo->err),
		  &repo->err);
}

static inline void repo_free(struct repo *repo)
{
	for (int i = 0; i < N_KEYS; i++)
		tuf_key_free(repo->keys[i]);
	tuf_metadata_free(repo->root);
	tuf_metadata_free(repo->timestamp);
	tuf_metadata_free(repo->snapshot);
	tuf_metadata_free(repo->targets);
	tuf_metadata_free(repo->stable);
	buf_free(&repo->first_root);
	free(repo->client);
	unit_remove_dir(repo->dir);
}

static inline int repo_fetch(void *user, const char *path, size_t max, struct buf *out,
			     struct error *err)
{
	struct repo *repo = user;

	if (++repo->requests == repo->fail_at)
		return error_set(err, ERR_UNREACHABLE, "the line is cut");
	snprintf(repo->last, sizeof(repo->last), "%s", path);
	return tuf_fetch_folder(repo->dir, path, max, out, err);
}

static inline struct tuf_client *repo_open(struct repo *repo)
{
	struct tuf_client_options options = { .fetch = repo_fetch, .user = repo };
	struct tuf_client *client;

	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	return client;
}

/* One refresh by a new client; its result. */
static inline int repo_refresh(struct repo *repo)
{
	struct tuf_client *client = repo_open(repo);
	int r;

	repo->err = (struct error){ 0 };
	repo->requests = 0;
	r = tuf_client_refresh(client, REPO_NOW, &repo->err);
	assert_int_equal(r, repo->err.code);
	tuf_client_free(client);
	return r;
}

/* The version of a file in the client's folder; 0 when it is not there. */
static inline int64_t repo_trusted_version(struct repo *repo, const char *file)
{
	char *path = path_join(repo->client, file, NULL);
	json_t *json = NULL;
	int64_t version = 0;

	if (json_load_path(path, 1 << 20, &json, NULL) == 0)
		version = json_integer_value(
			json_object_get(json_object_get(json, "signed"), "version"));
	json_decref(json);
	free(path);
	return version;
}

/* A test with a repository of its own. */
#define with_repo(name)                           \
	static void name##_in(struct repo *repo); \
	static void name(void **state)            \
	{                                         \
		struct repo repo;                 \
                                                  \
		(void)state;                      \
		repo_make(&repo);                 \
		name##_in(&repo);                 \
		repo_free(&repo);                 \
	}                                         \
	static void name##_in(struct repo *repo)
