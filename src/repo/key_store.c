/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/key_store.h"

#include <dirent.h>

#include "base/file.h"
#include "base/json.h"

DEFINE_CLEANUP(DIR *, closedir);

int key_store_new(struct key_store **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : ERR_NO_MEMORY;
}

void key_store_free(struct key_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n; i++) {
		tuf_key_free(store->keys[i]);
		free(store->paths[i]);
	}
	free(store->keys);
	free(store->paths);
	free(store);
}

/* Private bytes do not stay in freed memory. */
static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

static int load_key(const char *path, struct tuf_key **ret, struct error *err)
{
	_cleanup_(wipe) struct buf pem = BUF_INIT(TUF_KEY_PEM_MAX);
	/* All of it at once: a growing buffer would leave copies behind. */
	int r = buf_reserve(&pem, TUF_KEY_PEM_MAX);

	if (r == 0)
		r = file_read(path, &pem, err);
	if (r == 0)
		r = tuf_key_from_private_pem(pem.data, pem.len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

int key_store_add(struct key_store *store, struct tuf_key *key, const char *path)
{
	struct tuf_key **keys = reallocarray(store->keys, store->n + 1, sizeof(*keys));
	char **paths;

	if (!keys)
		return ERR_NO_MEMORY;
	store->keys = keys;
	paths = reallocarray(store->paths, store->n + 1, sizeof(*paths));
	if (!paths)
		return ERR_NO_MEMORY;
	store->paths = paths;
	paths[store->n] = strdup(path);
	if (!paths[store->n])
		return ERR_NO_MEMORY;
	keys[store->n++] = key;
	return 0;
}

static int add_file(struct key_store *store, const char *dir, const char *name, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, name, NULL);
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	struct error local = { 0 };
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = load_key(path, &key, &local);
	if (r == ERR_UNSUPPORTED)
		return 0;
	if (r < 0) {
		if (err)
			*err = local;
		return r;
	}
	if (store->n >= KEY_STORE_MAX)
		return error_set(err, ERR_TOO_LARGE, "%s: more than %d keys", dir, KEY_STORE_MAX);
	if (key_store_add(store, key, path) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	key = NULL;
	return 0;
}

int key_store_add_folder(struct key_store *store, const char *dir, struct error *err)
{
	_cleanup_(closedirp) DIR *folder = opendir(dir);
	size_t used = strlen(store->places);
	struct dirent *entry;
	int r = 0;

	if (!folder && errno == ENOENT) {
		error_set(err, ERR_NOT_FOUND, "%s: no such folder of keys", dir);
		error_hint(err, "--keys DIR says where the offline keys are");
		return ERR_NOT_FOUND;
	}
	if (!folder)
		return error_set_errno(err, errno, "%s", dir);
	snprintf(store->places + used, sizeof(store->places) - used, "%s%s", used ? ", " : "", dir);
	while (r == 0 && (entry = readdir(folder))) {
		if (str_has_suffix(entry->d_name, ".pem"))
			r = add_file(store, dir, entry->d_name, err);
	}
	return r;
}

const struct tuf_key *key_store_find(const struct key_store *store, const char *key_id,
				     const char **ret_path)
{
	for (size_t i = 0; i < store->n; i++) {
		if (streq(tuf_key_id(store->keys[i]), key_id)) {
			if (ret_path)
				*ret_path = store->paths[i];
			return store->keys[i];
		}
	}
	return NULL;
}

int key_store_sign(const struct key_store *store, const char *role_name, const json_t *role,
		   struct tuf_metadata *md, struct error *err)
{
	const json_t *ids = json_object_get(role, "keyids");
	size_t threshold = (size_t)json_integer_value(json_object_get(role, "threshold")), n = 0;
	_cleanup_buf_ struct buf missing = BUF_INIT(400);

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct tuf_key *key = key_store_find(store, id, NULL);
		int r;

		if (!key) {
			/* A full list of missing keys is no error of its own. */
			(void)!buf_printf(&missing, " %.16s…", id);
			continue;
		}
		r = tuf_metadata_sign(md, key, err);
		if (r < 0)
			return error_prefix(err, r, "role %s", role_name);
		n++;
	}
	if (n >= threshold)
		return 0;
	error_set(err, ERR_UNTRUSTED, "role %s: %zu of %zu needed keys are in %s; missing:%s",
		  role_name, n, threshold, store->places[0] ? store->places : "no folder",
		  buf_str(&missing));
	error_hint(err, "--keys DIR says where the offline keys are");
	return ERR_UNTRUSTED;
}

int key_store_write(const struct tuf_key *key, const char *path, struct error *err)
{
	_cleanup_(wipe) struct buf pem = BUF_INIT(TUF_KEY_PEM_MAX);
	int r = buf_reserve(&pem, TUF_KEY_PEM_MAX);

	if (file_exists(path))
		return error_set(err, ERR_EXISTS, "%s: there is a file of that name already", path);
	if (r == 0)
		r = tuf_key_private_pem(key, &pem, err);
	return r < 0 ? r : file_write_atomic(path, pem.data, pem.len, 0600, err);
}
