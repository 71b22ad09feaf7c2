// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_store.h"

#include <stdio.h>
#include <sys/file.h>

#include "base/file.h"
#include "lab/trial/trial_json.h"

#define FORMAT 1
#define MS_MAX (INT64_C(1) << 40)

struct matrix_store {
	char *dir; /* absolute */
	int lock;
};

void matrix_store_free(struct matrix_store *store)
{
	if (!store)
		return;
	closep(&store->lock);
	free(store->dir);
	free(store);
}

const char *matrix_store_dir(const struct matrix_store *store)
{
	return store->dir;
}

static int take_lock(struct matrix_store *s, struct error *err)
{
	_cleanup_free_ char *path = path_join(s->dir, "lock", NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "lock");
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0)
		return error_set_errno(err, errno, "%s", path);
	if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? error_set(err, ERR_BAD_STATE,
							"%s: another matrix works here", s->dir)
					    : error_set_errno(err, errno, "%s", path);
	return 0;
}

int matrix_store_open(const char *dir, struct matrix_store **ret, struct error *err)
{
	static const char *const folders[] = { "results", "modules", "logs", "outputs" };
	_cleanup_(matrix_store_freep) struct matrix_store *s = calloc(1, sizeof(*s));
	int r = file_make_dirs(dir, 0755, err);

	if (r < 0)
		return r;
	if (!s)
		return error_set(err, ERR_NO_MEMORY, "matrix");
	s->lock = -1;
	s->dir = realpath(dir, NULL);
	if (!s->dir)
		return error_set_errno(err, errno, "%s", dir);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = path_join(s->dir, folders[i], NULL);

		r = path ? file_make_dirs(path, 0755, err)
			 : error_set(err, ERR_NO_MEMORY, "matrix");
	}
	if (r == 0)
		r = take_lock(s, err);
	if (r == 0)
		*ret = TAKE_PTR(s);
	return r;
}

char *matrix_store_path(const struct matrix_store *store, const char *folder, const char *key,
			const char *suffix)
{
	char name[MATRIX_KEY_MAX + 32];

	snprintf(name, sizeof(name), "%.*s%.24s", SHA256_HEX_LEN, key, suffix);
	return path_join(store->dir, folder, name, NULL);
}

static int save(const struct matrix_store *s, const char *folder, const char *key,
		const json_t *json, struct error *err)
{
	_cleanup_free_ char *path = matrix_store_path(s, folder, key, ".json");

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "%s", folder);
	return json_save_path(json, path, 0644, err);
}

/* Reads KEY.json; a file that belongs to another key was put there by hand. */
static int load(const struct matrix_store *s, const char *folder, const char *key, json_t **ret,
		struct error *err)
{
	_cleanup_free_ char *path = matrix_store_path(s, folder, key, ".json");
	_cleanup_json_ json_t *json = NULL;
	const char *said;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "%s", folder);
	if (!file_exists(path))
		return error_set(err, ERR_NOT_FOUND, "%s", path);

	int r = json_load_path(path, MATRIX_JSON_MAX, &json, err);

	if (r == 0)
		r = json_get_str(json, "key", SHA256_HEX_LEN, &said, err);
	if (r == 0 && !streq(said, key))
		r = error_set(err, ERR_INVALID, "it is of another key");
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	*ret = TAKE_PTR(json);
	return 0;
}

int matrix_store_get_result(const struct matrix_store *store, const char *key,
			    struct matrix_result *ret, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = load(store, "results", key, &json, err);

	if (r < 0)
		return r;
	r = matrix_result_from_json(json, ret, err);
	return r < 0 ? error_prefix(err, r, "results/%s.json", key) : 0;
}

int matrix_store_put_result(const struct matrix_store *store, const struct matrix_result *result,
			    struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = matrix_result_to_json(result, &json, err);

	return r < 0 ? r : save(store, "results", result->key, json, err);
}

static int check_module(const struct matrix_store *s, const struct matrix_build *b,
			struct error *err)
{
	_cleanup_free_ char *path = matrix_store_path(s, "modules", b->key, ".ko");
	_cleanup_free_ char *record = matrix_store_path(s, "modules", b->key, ".record.json");
	char hash[MATRIX_KEY_MAX];

	if (!path || !record)
		return error_set(err, ERR_NO_MEMORY, "module");
	if (!file_exists(record))
		return error_set(err, ERR_INVALID, "%s: is gone", record);

	int r = hash_sha256_file(path, hash, err);

	if (r == 0 && !streq(hash, b->module_sha256))
		r = error_set(err, ERR_HASH, "%s: is not the module that was built", path);
	return r;
}

int matrix_store_get_build(const struct matrix_store *store, const char *key, bool module_elsewhere,
			   struct matrix_build *ret, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	struct matrix_build build;
	int r = load(store, "modules", key, &json, err);

	if (r < 0)
		return r;
	r = matrix_build_from_json(json, &build, err);
	if (r < 0)
		return error_prefix(err, r, "modules/%s.json", key);
	if (build.status == 0 && !module_elsewhere)
		r = check_module(store, &build, err);
	if (r == 0)
		*ret = build;
	return r;
}

int matrix_store_put_build(const struct matrix_store *store, const struct matrix_build *build,
			   struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = matrix_build_to_json(build, &json, err);

	return r < 0 ? r : save(store, "modules", build->key, json, err);
}

int matrix_result_to_json(const struct matrix_result *result, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *o = json_object(), *trial = NULL;
	int r = trial_to_json(&result->trial, &trial, err);

	if (r < 0)
		return r;
	if (!o || json_object_set_new(o, "format", json_integer(FORMAT)) < 0 ||
	    json_set_str(o, "key", result->key) < 0 ||
	    json_object_set_new(o, "cpu_ms", json_integer(result->cpu_ms)) < 0 ||
	    json_object_set(o, "trial", trial) < 0)
		return error_set(err, ERR_NO_MEMORY, "result");
	*ret = TAKE_PTR(o);
	return 0;
}

/* format and key, which every file has. */
static int take_head(const json_t *json, char key[static MATRIX_KEY_MAX], struct error *err)
{
	const char *text;
	int64_t format;
	int r = json_get_int(json, "format", FORMAT, FORMAT, &format, err);

	if (r == 0)
		r = json_get_str(json, "key", SHA256_HEX_LEN, &text, err);
	if (r < 0)
		return r;
	if (!hex_is_lower(text, SHA256_HEX_LEN))
		return error_set(err, ERR_INVALID, "key: is no hash");
	memcpy(key, text, MATRIX_KEY_MAX);
	return 0;
}

int matrix_result_from_json(const json_t *json, struct matrix_result *ret, struct error *err)
{
	int r = take_head(json, ret->key, err);

	if (r == 0)
		r = json_get_int(json, "cpu_ms", 0, MS_MAX, &ret->cpu_ms, err);
	return r < 0 ? r : trial_from_json(json_object_get(json, "trial"), &ret->trial, err);
}

int matrix_build_to_json(const struct matrix_build *b, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_object_set_new(o, "format", json_integer(FORMAT)) < 0 ||
	    json_set_str(o, "key", b->key) < 0 ||
	    json_object_set_new(o, "status", json_integer(b->status)) < 0 ||
	    json_set_str(o, "reason", b->reason[0] ? b->reason : NULL) < 0 ||
	    json_set_str(o, "build_id", b->build_id) < 0 ||
	    json_set_str(o, "module_sha256", b->module_sha256[0] ? b->module_sha256 : NULL) < 0 ||
	    json_object_set_new(o, "ms", json_integer(b->ms)) < 0 ||
	    json_object_set_new(o, "cpu_ms", json_integer(b->cpu_ms)) < 0)
		return error_set(err, ERR_NO_MEMORY, "build");
	*ret = TAKE_PTR(o);
	return 0;
}

static int take_text(const json_t *json, const char *key, char *ret, size_t size, struct error *err)
{
	const char *text;
	int r = json_get_str_opt(json, key, size - 1, &text, err);

	if (r == 0)
		snprintf(ret, size, "%s", text ? text : "");
	return r;
}

static int check_build(const struct matrix_build *b, struct error *err)
{
	if (b->status != 0 && (b->status < 3 || b->status > 5))
		return error_set(err, ERR_INVALID, "status: %d is no outcome", b->status);
	if ((b->status == 0) != hex_is_lower(b->module_sha256, SHA256_HEX_LEN))
		return error_set(err, ERR_INVALID, "module_sha256: does not go with the status");
	return 0;
}

int matrix_build_from_json(const json_t *json, struct matrix_build *ret, struct error *err)
{
	int64_t status = 0;
	int r = take_head(json, ret->key, err);

	if (r == 0)
		r = json_get_int(json, "status", 0, 255, &status, err);
	if (r == 0)
		r = take_text(json, "reason", ret->reason, sizeof(ret->reason), err);
	if (r == 0)
		r = take_text(json, "build_id", ret->build_id, sizeof(ret->build_id), err);
	if (r == 0)
		r = take_text(json, "module_sha256", ret->module_sha256, sizeof(ret->module_sha256),
			      err);
	if (r == 0)
		r = json_get_int(json, "ms", 0, MS_MAX, &ret->ms, err);
	if (r == 0)
		r = json_get_int(json, "cpu_ms", 0, MS_MAX, &ret->cpu_ms, err);
	ret->status = (int)status;
	return r < 0 ? r : check_build(ret, err);
}
