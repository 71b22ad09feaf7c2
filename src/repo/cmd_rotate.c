/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo rotate: new keys for a role. */
#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"

#define ROTATE_MAX_KEYS 16

struct rotation {
	struct repository *repo;
	const char *role;
	const json_t *old; /* the role's object now */
	bool delegated;
	const struct tuf_key *keys[ROTATE_MAX_KEYS]; /* belong to the key store */
	const char *paths[ROTATE_MAX_KEYS];
	size_t n;
};

static int find_role(struct rotation *r, struct error *err)
{
	r->delegated = repository_role(r->repo, r->role) != NULL;
	if (r->delegated)
		r->old = tuf_targets_delegation(r->repo->targets, r->role);
	for (enum tuf_type type = TUF_ROOT; !r->old && type <= TUF_TARGETS; type++) {
		if (streq(r->role, tuf_type_name(type)))
			r->old = tuf_root_role(r->repo->root, type);
	}
	if (!r->old)
		return error_set(err, ERR_NOT_FOUND, "role %s: the repository has no such role",
				 r->role);
	return 0;
}

/* New keys go where an old one is; without any here, to the folder of offline keys. */
static int key_folder(const struct rotation *r, const struct cli *cli, char **ret,
		      struct error *err)
{
	const json_t *ids = json_object_get(r->old, "keyids");
	const char *path = NULL, *fallback = cli_get(cli, "keys");

	for (size_t i = 0; !path && i < json_array_size(ids); i++)
		(void)key_store_find(r->repo->keys, json_string_value(json_array_get(ids, i)),
				     &path);
	if (!fallback)
		fallback = r->repo->settings->keys;
	if (path)
		*ret = strndup(path, (size_t)(path_base(path) - path));
	else if (fallback)
		*ret = strdup(fallback);
	else
		return error_set(err, ERR_USAGE, "--keys DIR: where are the new keys to go?");
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

/* "<role>-N.pem" with the first N that is free. */
static int free_name(const char *folder, const char *role, char **ret, struct error *err)
{
	for (unsigned i = 2; i < 10000; i++) {
		_cleanup_buf_ struct buf name = BUF_INIT(256);
		_cleanup_free_ char *path = NULL;

		if (buf_printf(&name, "%s-%u.pem", role, i) == 0)
			path = path_join(folder, buf_str(&name), NULL);
		if (!path)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (!file_exists(path)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return error_set(err, ERR_EXISTS, "%s: too many keys of role %s", folder, role);
}

static int make_key(struct rotation *rot, const char *folder, struct error *err)
{
	struct key_store *store = rot->repo->keys;
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	_cleanup_free_ char *path = NULL;
	int r = free_name(folder, rot->role, &path, err);

	if (r == 0)
		r = tuf_key_generate(TUF_KEY_ED25519, 0, &key, err);
	if (r == 0)
		r = key_store_write(key, path, err);
	if (r < 0)
		return r;
	r = key_store_add(store, key, path);
	if (r < 0) {
		(void)file_remove(path, NULL);
		return error_set(err, r, "no memory");
	}
	rot->keys[rot->n] = TAKE_PTR(key);
	rot->paths[rot->n++] = store->paths[store->n - 1];
	return 0;
}

static int replace_delegated(struct rotation *r, unsigned threshold, struct error *err)
{
	const json_t *list = json_object_get(r->old, "paths");
	bool terminating = json_is_true(json_object_get(r->old, "terminating"));
	size_t n = json_array_size(list);
	_cleanup_free_ char *copy = NULL;
	const char *path;

	/* One pattern each is what init gives them. */
	if (n != 1)
		return error_set(err, ERR_UNSUPPORTED, "role %s: has %zu path patterns", r->role,
				 n);
	copy = strdup(json_string_value(json_array_get(list, 0)));
	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	path = copy;
	r->repo->targets_changed = repository_role(r->repo, r->role)->changed = true;
	return tuf_targets_delegate(r->repo->targets, r->role, r->keys, r->n, threshold, &path, 1,
				    terminating, err);
}

static int replace_keys(struct rotation *r, struct error *err)
{
	unsigned threshold = (unsigned)json_integer_value(json_object_get(r->old, "threshold"));
	struct repository *repo = r->repo;

	if (r->delegated)
		return replace_delegated(r, threshold, err);
	repo->root_changed = true;
	repo->targets_changed |= streq(r->role, "targets");
	repo->snapshot_changed |= streq(r->role, "snapshot");
	return tuf_root_set_role(repo->root, r->role, r->keys, r->n, threshold, err);
}

static int rotate(struct rotation *rot, const struct cli *cli, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	size_t n;
	int r = find_role(rot, err);

	if (r == 0)
		r = key_folder(rot, cli, &folder, err);
	if (r < 0)
		return r;
	n = json_array_size(json_object_get(rot->old, "keyids"));
	if (n > ROTATE_MAX_KEYS)
		return error_set(err, ERR_UNSUPPORTED, "role %s: has %zu keys, at most %d are made",
				 rot->role, n, ROTATE_MAX_KEYS);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = make_key(rot, folder, err);
	if (r == 0)
		r = replace_keys(rot, err);
	return r < 0 ? r : repository_commit(rot->repo, err);
}

int cmd_rotate(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	struct rotation rot = { .role = cli_arg(cli, 1) };
	int r = command_open(cli, &repo, err);

	if (r < 0)
		return r;
	rot.repo = repo;
	r = rotate(&rot, cli, err);
	/* Keys that nothing names would only confuse. Once the repository may name them, they stay.
	 */
	for (size_t i = 0; r < 0 && !repo->writing && i < rot.n; i++)
		(void)file_remove(rot.paths[i], NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rot.n; i++)
		printf("%s: %s in %s\n", rot.role, tuf_key_id(rot.keys[i]), rot.paths[i]);
	return EXIT_OK;
}
