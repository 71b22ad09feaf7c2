/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and changing the parts of metadata: roles, delegations, targets, listed files. */
#include "tuf/metadata.h"

#include "base/json.h"
#include "tuf/form.h"

const json_t *tuf_root_role(const struct tuf_metadata *root, enum tuf_type type)
{
	return json_object_get(json_object_get(root->body, "roles"), tuf_type_name(type));
}

bool tuf_root_consistent(const struct tuf_metadata *root)
{
	return json_is_true(json_object_get(root->body, "consistent_snapshot"));
}

static bool uses_key(const json_t *role, const char *key_id)
{
	const json_t *ids = json_object_get(role, "keyids");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		if (streq(json_string_value(json_array_get(ids, i)), key_id))
			return true;
	}
	return false;
}

/* `roles`: an object (root) or an array (delegations) of role objects. */
static bool any_uses_key(const json_t *roles, const char *key_id)
{
	const char *name;
	json_t *role;

	if (json_is_array(roles)) {
		for (size_t i = 0; i < json_array_size(roles); i++) {
			if (uses_key(json_array_get(roles, i), key_id))
				return true;
		}
		return false;
	}
	json_object_foreach ((json_t *)roles, name, role) {
		if (uses_key(role, key_id))
			return true;
	}
	return false;
}

static void drop_unused_keys(json_t *keys, const json_t *roles)
{
	const char *key_id;
	json_t *key;
	void *next;

	json_object_foreach_safe(keys, next, key_id, key)
	{
		if (!any_uses_key(roles, key_id))
			json_object_del(keys, key_id);
	}
}

/* Puts keys into the map and a role's keyids and threshold into `role`. */
static int set_keys(json_t *map, json_t *role, const struct tuf_key *const *keys, size_t n,
		    unsigned threshold, struct error *err)
{
	json_t *ids = json_array();
	int bad = json_object_set_new(role, "keyids", ids) |
		  json_object_set_new(role, "threshold", json_integer(threshold));

	if (n == 0 || threshold < 1 || threshold > n)
		return error_set(err, ERR_INVALID, "a threshold of %u with %zu keys", threshold, n);
	for (size_t i = 0; i < n; i++) {
		const char *id = tuf_key_id(keys[i]);

		bad |= json_object_set_new(map, id, tuf_key_to_json(keys[i])) |
		       json_array_append_new(ids, json_string(id));
	}
	return bad ? error_set(err, ERR_NO_MEMORY, "no memory") : 0;
}

int tuf_root_set_role(struct tuf_metadata *root, const char *role,
		      const struct tuf_key *const *keys, size_t n_keys, unsigned threshold,
		      struct error *err)
{
	json_t *map = json_object_get(root->body, "keys");
	json_t *roles = json_object_get(root->body, "roles"), *object = json_object();
	int r = set_keys(map, object, keys, n_keys, threshold, err);

	if (r < 0) {
		json_decref(object);
		return r;
	}
	if (json_object_set_new(roles, role, object) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	drop_unused_keys(map, roles);
	return tuf_metadata_changed(root, err);
}

const json_t *tuf_targets_keys(const struct tuf_metadata *targets)
{
	return json_object_get(json_object_get(targets->body, "delegations"), "keys");
}

static json_t *find_delegation(const struct tuf_metadata *targets, const char *name)
{
	json_t *roles = json_object_get(json_object_get(targets->body, "delegations"), "roles");

	for (size_t i = 0; i < json_array_size(roles); i++) {
		json_t *role = json_array_get(roles, i);

		if (streq(json_string_value(json_object_get(role, "name")), name))
			return role;
	}
	return NULL;
}

const json_t *tuf_targets_delegation(const struct tuf_metadata *targets, const char *name)
{
	return find_delegation(targets, name);
}

static int ensure_delegations(struct tuf_metadata *targets, json_t **ret_keys, json_t **ret_roles)
{
	json_t *delegations = json_optional(targets->body, "delegations");

	if (!delegations) {
		delegations = json_pack("{s:{}, s:[]}", "keys", "roles");
		if (json_object_set_new(targets->body, "delegations", delegations) != 0)
			return ERR_NO_MEMORY;
	}
	*ret_keys = json_object_get(delegations, "keys");
	*ret_roles = json_object_get(delegations, "roles");
	return 0;
}

static int fill_delegation(json_t *role, const char *name, const char *const *paths, size_t n_paths,
			   bool terminating)
{
	json_t *list = json_array();
	int bad = json_set_str(role, "name", name) | json_object_set_new(role, "paths", list) |
		  json_object_set_new(role, "terminating", json_boolean(terminating));

	for (size_t i = 0; i < n_paths; i++)
		bad |= json_array_append_new(list, json_string(paths[i]));
	return bad ? ERR_NO_MEMORY : 0;
}

int tuf_targets_delegate(struct tuf_metadata *targets, const char *name,
			 const struct tuf_key *const *keys, size_t n_keys, unsigned threshold,
			 const char *const *paths, size_t n_paths, bool terminating,
			 struct error *err)
{
	json_t *map, *roles, *role;
	int r;

	if (!tuf_role_name_is_valid(name))
		return error_set(err, ERR_INVALID, "%s: not a name for a delegated role", name);
	if (ensure_delegations(targets, &map, &roles) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	role = find_delegation(targets, name);
	if (!role) {
		role = json_object();
		if (json_array_append_new(roles, role) != 0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	if (fill_delegation(role, name, paths, n_paths, terminating) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = set_keys(map, role, keys, n_keys, threshold, err);
	if (r < 0)
		return r;
	drop_unused_keys(map, roles);
	return tuf_metadata_changed(targets, err);
}

int tuf_targets_put(struct tuf_metadata *targets, const char *path, int64_t length,
		    const char *sha256, json_t *custom, struct error *err)
{
	json_t *target = json_pack("{s:I, s:{s:s}}", "length", (json_int_t)length, "hashes",
				   "sha256", sha256);
	int bad = 0;

	if (custom)
		bad = json_object_set(target, "custom", custom);
	if (json_object_set_new(json_object_get(targets->body, "targets"), path, target) != 0 ||
	    bad)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return tuf_metadata_changed(targets, err);
}

int tuf_meta_put(struct tuf_metadata *md, const char *file, int64_t version, const void *data,
		 size_t len, struct error *err)
{
	char hex[SHA256_HEX_LEN + 1];
	json_t *entry;
	int r = hash_sha256_hex(data, len, hex);

	if (r < 0)
		return error_set(err, r, "no memory");
	entry = json_pack("{s:I, s:I, s:{s:s}}", "version", (json_int_t)version, "length",
			  (json_int_t)len, "hashes", "sha256", hex);
	if (json_object_set_new(json_object_get(md->body, "meta"), file, entry) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return tuf_metadata_changed(md, err);
}

const json_t *tuf_meta_get(const struct tuf_metadata *md, const char *file)
{
	return json_object_get(json_object_get(md->body, "meta"), file);
}

int64_t tuf_meta_version(const json_t *meta)
{
	return json_integer_value(json_object_get(meta, "version"));
}
