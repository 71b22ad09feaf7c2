/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuf/form.h"

#include "base/clock.h"
#include "base/json.h"

#define MAX_META    65536
#define MAX_TARGETS 1000000
#define MAX_PATHS   65536
#define KEY_ID_MAX  256
#define PATH_MAX_   4096
#define VERSION_MAX INT64_C(0x7fffffffffff)
#define SIG_MAX     ((size_t)256 * 1024) /* hexadecimal: also of schemes that are not known here */

static int check_role(const json_t *role, const char *name, struct error *err)
{
	int64_t threshold;
	json_t *ids;
	int r = json_get_array(role, "keyids", TUF_MAX_ROLE_KEYS, &ids, err);

	if (r == 0)
		r = json_get_int(role, "threshold", 1, TUF_MAX_ROLE_KEYS, &threshold, err);
	if (r < 0)
		return error_prefix(err, r, "role %s", name);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!id || strlen(id) > KEY_ID_MAX)
			return error_set(err, ERR_INVALID, "role %s: a key ID is no string", name);
		for (size_t j = 0; j < i; j++) {
			if (streq(id, json_string_value(json_array_get(ids, j))))
				return error_set(err, ERR_INVALID,
						 "role %s: the key %.16s is listed twice", name,
						 id);
		}
	}
	return 0;
}

static int check_keys(const json_t *parent, struct error *err)
{
	json_t *keys, *key;
	const char *id;
	int r = json_get_object(parent, "keys", TUF_MAX_KEYS, &keys, err);

	if (r < 0)
		return r;
	json_object_foreach (keys, id, key) {
		const char *text;
		json_t *keyval;

		r = json_get_str(key, "keytype", 256, &text, err);
		if (r == 0)
			r = json_get_str(key, "scheme", 256, &text, err);
		if (r == 0)
			r = json_get_object(key, "keyval", 64, &keyval, err);
		if (r < 0)
			return error_prefix(err, r, "key %.16s", id);
	}
	return 0;
}

static int check_root(const json_t *body, struct error *err)
{
	json_t *roles;
	bool consistent;
	int r = json_get_bool_opt(body, "consistent_snapshot", false, &consistent, err);

	if (r == 0)
		r = check_keys(body, err);
	if (r == 0)
		r = json_get_object(body, "roles", 64, &roles, err);
	if (r < 0)
		return r;
	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++) {
		json_t *role;

		r = json_get_object(roles, tuf_type_name(type), 64, &role, err);
		if (r == 0)
			r = check_role(role, tuf_type_name(type), err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* `required`: hashes must be there. */
static int check_hashes(const json_t *object, bool required, struct error *err)
{
	const char *algorithm;
	json_t *hashes, *value;
	int r;

	if (!required && !json_optional(object, "hashes"))
		return 0;
	r = json_get_object(object, "hashes", 16, &hashes, err);
	if (r < 0)
		return r;
	if (json_object_size(hashes) == 0)
		return error_set(err, ERR_INVALID, "hashes: empty");
	json_object_foreach (hashes, algorithm, value) {
		if (!json_is_string(value) || json_string_length(value) > 256)
			return error_set(err, ERR_INVALID, "hashes: %s is no digest", algorithm);
	}
	return 0;
}

static int check_meta(const json_t *body, const char *needed, bool only, struct error *err)
{
	int64_t number;
	const char *file;
	json_t *meta, *entry;
	int r = json_get_object(body, "meta", MAX_META, &meta, err);

	if (r < 0)
		return r;
	if (!json_object_get(meta, needed))
		return error_set(err, ERR_INVALID, "meta: %s is missing", needed);
	if (only && json_object_size(meta) != 1)
		return error_set(err, ERR_INVALID, "meta: only %s belongs here", needed);
	json_object_foreach (meta, file, entry) {
		r = json_get_int(entry, "version", 1, VERSION_MAX, &number, err);
		if (r == 0 && json_optional(entry, "length"))
			r = json_get_int(entry, "length", 1, INT64_MAX, &number, err);
		if (r == 0)
			r = check_hashes(entry, false, err);
		if (r < 0)
			return error_prefix(err, r, "meta: %s", file);
	}
	return 0;
}

bool tuf_role_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > TUF_ROLE_NAME_MAX)
		return false;
	/* Such a role's file would take the place of a top-level one in the trusted folder. */
	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++) {
		if (streq(name, tuf_type_name(type)))
			return false;
	}
	return true;
}

static int check_strings(const json_t *array, const char *field, struct error *err)
{
	size_t i;
	json_t *value;

	json_array_foreach ((json_t *)array, i, value) {
		if (!json_is_string(value) || json_string_length(value) > PATH_MAX_)
			return error_set(err, ERR_INVALID, "%s: holds what is no path", field);
	}
	return 0;
}

static int check_delegation_paths(const json_t *role, struct error *err)
{
	bool by_path = json_optional(role, "paths"),
	     by_hash = json_optional(role, "path_hash_prefixes"), terminating;
	const char *field = by_path ? "paths" : "path_hash_prefixes";
	json_t *array;
	int r;

	/* Both are optional (section 4.5); a delegation without either holds no path. */
	if (by_path && by_hash)
		return error_set(err, ERR_INVALID,
				 "paths and path_hash_prefixes exclude each other");
	if (!by_path && !by_hash)
		return json_get_bool_opt(role, "terminating", false, &terminating, err);
	r = json_get_array(role, field, MAX_PATHS, &array, err);
	if (r == 0)
		r = check_strings(array, field, err);
	if (r == 0)
		r = json_get_bool_opt(role, "terminating", false, &terminating, err);
	return r;
}

/* A name used twice is found through an object that serves as a set. */
static int check_delegations(const json_t *body, struct error *err)
{
	_cleanup_json_ json_t *seen = json_object();
	json_t *delegations, *roles, *role;
	size_t i;
	int r;

	if (!json_optional(body, "delegations"))
		return 0;
	r = json_get_object(body, "delegations", 64, &delegations, err);
	if (r == 0)
		r = check_keys(delegations, err);
	if (r == 0)
		r = json_get_array(delegations, "roles", TUF_MAX_DELEGATIONS, &roles, err);
	if (r < 0)
		return error_prefix(err, r, "delegations");
	json_array_foreach (roles, i, role) {
		const char *name;

		r = json_get_str(role, "name", TUF_ROLE_NAME_MAX, &name, err);
		if (r < 0)
			return error_prefix(err, r, "delegations");
		if (!tuf_role_name_is_valid(name) || json_object_get(seen, name))
			return error_set(err, ERR_INVALID,
					 "delegations: the name %s is empty, taken or used twice",
					 name);
		r = check_role(role, name, err);
		if (r == 0)
			r = check_delegation_paths(role, err);
		if (r < 0)
			return error_prefix(err, r, "delegation %s", name);
		if (json_object_set_new(seen, name, json_null()) != 0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	return 0;
}

static int check_targets(const json_t *body, struct error *err)
{
	int64_t length;
	const char *path;
	json_t *targets, *target;
	int r = json_get_object(body, "targets", MAX_TARGETS, &targets, err);

	if (r < 0)
		return r;
	json_object_foreach (targets, path, target) {
		const json_t *custom = json_optional(target, "custom");

		r = json_get_int(target, "length", 0, INT64_MAX, &length, err);
		if (r == 0)
			r = check_hashes(target, true, err);
		if (r == 0 && custom && !json_is_object(custom))
			r = error_set(err, ERR_INVALID, "custom: not an object");
		if (r < 0)
			return error_prefix(err, r, "target %s", path);
	}
	return check_delegations(body, err);
}

static int check_signatures(const json_t *envelope, struct error *err)
{
	json_t *signatures, *entry;
	const char *text;
	size_t i;
	int r = json_get_array(envelope, "signatures", TUF_MAX_SIGNATURES, &signatures, err);

	if (r < 0)
		return r;
	json_array_foreach (signatures, i, entry) {
		r = json_get_str(entry, "keyid", KEY_ID_MAX, &text, err);
		if (r == 0)
			r = json_get_str(entry, "sig", SIG_MAX, &text, err);
		if (r < 0)
			return error_prefix(err, r, "signatures");
		for (size_t j = 0; j < i; j++) {
			const json_t *other = json_array_get(signatures, j);

			if (json_equal(json_object_get(other, "keyid"),
				       json_object_get(entry, "keyid")))
				return error_set(err, ERR_INVALID, "signatures: two of one key ID");
		}
	}
	return 0;
}

/* Section 4.3: the major version must be ours. */
static int check_spec_version(const json_t *body, struct error *err)
{
	const char *text;
	int r = json_get_str(body, "spec_version", 64, &text, err);

	if (r < 0)
		return r;
	if (!streq(text, "1") && !str_has_prefix(text, "1."))
		return error_set(err, ERR_UNSUPPORTED, "spec_version: %s; this program knows 1.x",
				 text);
	return 0;
}

static int check_common(enum tuf_type type, const json_t *body, int64_t *ret_version,
			int64_t *ret_expires, struct error *err)
{
	const char *text;
	int r = json_get_str(body, "_type", 64, &text, err);

	if (r < 0)
		return r;
	if (!streq(text, tuf_type_name(type)))
		return error_set(err, ERR_INVALID, "_type: %s instead of %s", text,
				 tuf_type_name(type));
	r = check_spec_version(body, err);
	if (r == 0)
		r = json_get_int(body, "version", 1, VERSION_MAX, ret_version, err);
	if (r == 0)
		r = json_get_str(body, "expires", 64, &text, err);
	if (r < 0)
		return r;
	if (clock_parse(text, ret_expires) < 0)
		return error_set(err, ERR_INVALID, "expires: %s is no time", text);
	return 0;
}

int tuf_form_check(enum tuf_type type, const json_t *envelope, int64_t *ret_version,
		   int64_t *ret_expires, struct error *err)
{
	json_t *body;
	int r;

	if (!json_is_object(envelope))
		return error_set(err, ERR_INVALID, "not a JSON object");
	r = json_get_object(envelope, "signed", 1024, &body, err);
	if (r == 0)
		r = check_signatures(envelope, err);
	if (r == 0)
		r = check_common(type, body, ret_version, ret_expires, err);
	if (r < 0)
		return r;
	switch (type) {
	case TUF_ROOT: return check_root(body, err);
	case TUF_TIMESTAMP: return check_meta(body, "snapshot.json", true, err);
	case TUF_SNAPSHOT: return check_meta(body, "targets.json", false, err);
	case TUF_TARGETS: return check_targets(body, err);
	}
	return ERR_INVALID;
}
