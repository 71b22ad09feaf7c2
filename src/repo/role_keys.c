/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/role_keys.h"

void role_keys_free(struct role_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		tuf_key_free(keys->keys[i]);
	keys->n = 0;
}

int role_keys_load(const struct repository *repo, const char *role, struct role_keys *ret,
		   struct error *err)
{
	const json_t *map, *object = repository_delegation(repo, role, &map);
	const json_t *ids = json_object_get(object, "keyids");
	int r = 0;

	*ret = (struct role_keys){ 0 };
	if (!object)
		return error_set(err, ERR_NOT_FOUND, "role %s: the repository has no such role",
				 role);
	if (json_array_size(ids) > ROLE_KEYS_MAX)
		return error_set(err, ERR_UNSUPPORTED, "role %s: has more than %d keys", role,
				 ROLE_KEYS_MAX);
	snprintf(ret->role, sizeof(ret->role), "%s", role);
	ret->threshold = (unsigned)json_integer_value(json_object_get(object, "threshold"));
	for (size_t i = 0; r == 0 && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		r = tuf_key_from_json(json_object_get(map, id), &ret->keys[ret->n], err);
		ret->n += r == 0;
	}
	if (r < 0)
		role_keys_free(ret);
	return r < 0 ? error_prefix(err, r, "role %s", role) : 0;
}

bool role_keys_are_online(const struct role_keys *keys, const struct repository *repo)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->n; i++) {
		const char *path = NULL;

		(void)key_store_find(repo->keys, tuf_key_id(keys->keys[i]), &path);
		n += path && repository_is_online(repo, path);
	}
	return n > 0 && n >= keys->threshold;
}

bool role_keys_online(const struct repository *repo, const char *role)
{
	_cleanup_role_keys_ struct role_keys keys = { 0 };

	return role_keys_load(repo, role, &keys, NULL) == 0 && role_keys_are_online(&keys, repo);
}

int role_keys_add(struct role_keys *keys, struct tuf_key *key, struct error *err)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (tuf_key_same(keys->keys[i], key))
			return error_set(err, ERR_EXISTS, "role %s: has key %.16s… already",
					 keys->role, tuf_key_id(key));
	}
	if (keys->n >= ROLE_KEYS_MAX)
		return error_set(err, ERR_TOO_LARGE, "role %s: at most %d keys", keys->role,
				 ROLE_KEYS_MAX);
	keys->keys[keys->n++] = key;
	return 0;
}

int role_keys_drop(struct role_keys *keys, const char *id, struct error *err)
{
	size_t found = keys->n;

	for (size_t i = 0; i < keys->n; i++) {
		if (!str_has_prefix(tuf_key_id(keys->keys[i]), id))
			continue;
		if (found < keys->n)
			return error_set(err, ERR_USAGE, "role %s: several key IDs begin with %s",
					 keys->role, id);
		found = i;
	}
	if (found == keys->n || id[0] == '\0')
		return error_set(err, ERR_NOT_FOUND, "role %s: none of its keys has the ID %s",
				 keys->role, id);
	tuf_key_free(keys->keys[found]);
	memmove(&keys->keys[found], &keys->keys[found + 1],
		(keys->n - found - 1) * sizeof(struct tuf_key *));
	keys->n--;
	return 0;
}

static int store_delegated(const struct role_keys *keys, struct repository *repo, const json_t *old,
			   struct error *err)
{
	struct repo_role *role = repository_role(repo, keys->role);
	const json_t *list = json_object_get(old, "paths");
	bool terminating = json_is_true(json_object_get(old, "terminating"));
	_cleanup_free_ char *pattern = NULL;
	const char *path;
	int r;

	/* One pattern each is what init gives them. */
	if (json_array_size(list) != 1)
		return error_set(err, ERR_UNSUPPORTED, "role %s: has %zu path patterns", keys->role,
				 json_array_size(list));
	path = pattern = strdup(json_string_value(json_array_get(list, 0)));
	if (!pattern)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = tuf_targets_delegate(repo->targets, keys->role,
				 (const struct tuf_key *const *)keys->keys, keys->n,
				 keys->threshold, &path, 1, terminating, err);
	if (r < 0)
		return r;
	repo->targets_changed = true;
	if (tuf_metadata_verify(role->md, keys->role, tuf_targets_keys(repo->targets),
				tuf_targets_delegation(repo->targets, keys->role), false, NULL) < 0)
		role->changed = true;
	return 0;
}

int role_keys_store(const struct role_keys *keys, struct repository *repo, struct error *err)
{
	int r;

	if (keys->threshold < 1 || keys->n < keys->threshold)
		return error_set(err, ERR_INVALID,
				 "role %s: %zu keys, and %u signatures are demanded", keys->role,
				 keys->n, keys->threshold);
	if (repository_role(repo, keys->role))
		return store_delegated(keys, repo,
				       tuf_targets_delegation(repo->targets, keys->role), err);
	r = tuf_root_set_role(repo->root, keys->role, (const struct tuf_key *const *)keys->keys,
			      keys->n, keys->threshold, err);
	if (r < 0)
		return r;
	repo->root_changed = true;
	if (streq(keys->role, "targets") &&
	    tuf_root_verify(repo->root, repo->targets, "targets", false, NULL) < 0)
		repo->targets_changed = true;
	if (streq(keys->role, "snapshot"))
		repo->snapshot_changed = true;
	return 0;
}
