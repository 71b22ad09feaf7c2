/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which role lists which target, and getting its bytes (sections 5.6.7 and 5.7). */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "tuf/client_internal.h"

static json_t *delegations_of(const struct tuf_role *role)
{
	return json_object_get(json_object_get(role->md->body, "delegations"), "roles");
}

static json_t *targets_of(const struct tuf_role *role)
{
	return json_object_get(role->md->body, "targets");
}

static void fill_target(const char *path, const json_t *object, struct tuf_target *ret)
{
	const json_t *hashes = json_object_get(object, "hashes");
	const char *sha256 = json_string_value(json_object_get(hashes, "sha256"));

	*ret = (struct tuf_target){
		.path = path,
		.length = json_integer_value(json_object_get(object, "length")),
		.hashes = hashes,
		.sha256 = sha256 && hex_is_lower(sha256, SHA256_HEX_LEN) ? sha256 : NULL,
		.custom = json_optional(object, "custom"),
	};
}

/*
 * Whether a search for `path` would end in this role's entry: every delegation above holds the
 * path, and on no level does the delegator itself or an earlier delegation claim it. Earlier
 * delegations are taken to claim whatever matches them, without loading them: so a role may list
 * less here than a search finds, never more.
 */
static bool may_list(const struct tuf_role *role, const char *path)
{
	for (; role->delegator; role = role->delegator) {
		const json_t *siblings = delegations_of(role->delegator);

		if (!tuf_delegation_matches(role->delegation, path) ||
		    json_object_get(targets_of(role->delegator), path))
			return false;
		for (size_t i = 0; i < json_array_size(siblings); i++) {
			const json_t *sibling = json_array_get(siblings, i);

			if (sibling == role->delegation)
				break;
			if (tuf_delegation_matches(sibling, path))
				return false;
		}
	}
	return true;
}

static int compare_targets(const void *a, const void *b)
{
	return strcmp(((const struct tuf_target *)a)->path, ((const struct tuf_target *)b)->path);
}

int tuf_role_list(const struct tuf_role *role, const char *prefix, struct tuf_target **ret,
		  size_t *ret_n, struct error *err)
{
	json_t *targets = targets_of(role), *object;
	_cleanup_free_ struct tuf_target *list =
		calloc(json_object_size(targets) + 1, sizeof(*list));
	const char *path;
	size_t n = 0;

	if (!list)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	json_object_foreach (targets, path, object) {
		if (str_has_prefix(path, prefix) && may_list(role, path))
			fill_target(path, object, &list[n++]);
	}
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_targets);
	*ret = n > 0 ? TAKE_PTR(list) : NULL;
	*ret_n = n;
	return 0;
}

int tuf_role_find(const struct tuf_role *role, const char *path, struct tuf_target *ret,
		  struct error *err)
{
	const json_t *object = json_object_get(targets_of(role), path);

	if (!object || !may_list(role, path))
		return error_set(err, ERR_NOT_LISTED, "%s: role %s does not list it", path,
				 role->name);
	/* The key inside the metadata outlives the caller's string. */
	fill_target(json_object_iter_key(json_object_iter_at(targets_of(role), path)), object, ret);
	return 0;
}

int64_t tuf_role_version(const struct tuf_role *role)
{
	return role->md->version;
}

int64_t tuf_role_expires(const struct tuf_role *role)
{
	return role->md->expires;
}

const json_t *tuf_role_signed(const struct tuf_role *role)
{
	return role->md->body;
}

static int need_loaded(const struct tuf_client *c, struct error *err)
{
	return c->roles ? 0 : error_set(err, ERR_BAD_STATE, "no verified metadata is loaded");
}

int tuf_client_load_role(struct tuf_client *c, const char *name, const struct tuf_role **ret,
			 struct error *err)
{
	const json_t *delegation;
	int r = need_loaded(c, err);

	if (r < 0)
		return r;
	if (streq(name, c->roles->name)) {
		*ret = c->roles;
		return 0;
	}
	delegation = tuf_targets_delegation(c->roles->md, name);
	if (!delegation)
		return error_set(err, ERR_NOT_LISTED,
				 "role %s: targets.json does not delegate to it", name);
	return tuf_load_delegated(c, c->roles, delegation, ret, err);
}

/* ---- Pre-order search ---- */

struct visit {
	const struct tuf_role *delegator;
	const json_t *delegation;
};

struct search {
	struct visit *stack; /* next one last */
	size_t n, cap;
	const struct tuf_role **visited;
	size_t n_visited;
};

static void search_done(struct search *s)
{
	free(s->stack);
	free(s->visited);
}

static bool was_visited(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->n_visited; i++) {
		if (streq(s->visited[i]->name, name))
			return true;
	}
	return false;
}

static int push(struct search *s, struct visit visit)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		struct visit *grown = reallocarray(s->stack, cap, sizeof(*grown));

		if (!grown)
			return ERR_NO_MEMORY;
		s->stack = grown;
		s->cap = cap;
	}
	s->stack[s->n++] = visit;
	return 0;
}

/* Puts the delegations that hold the path on the stack, the first on top; after a terminating one
 * nothing else is searched, neither later ones here nor those of the roles above. */
static int push_delegations(struct search *s, const struct tuf_role *role, const char *path)
{
	const json_t *roles = delegations_of(role);
	size_t n = json_array_size(roles), end = n;

	for (size_t i = 0; i < n && end == n; i++) {
		const json_t *delegation = json_array_get(roles, i);

		if (tuf_delegation_matches(delegation, path) &&
		    json_is_true(json_object_get(delegation, "terminating"))) {
			end = i + 1;
			s->n = 0;
			break;
		}
	}
	for (size_t i = end; i-- > 0;) {
		struct visit visit = { .delegator = role, .delegation = json_array_get(roles, i) };

		if (tuf_delegation_matches(visit.delegation, path) && push(s, visit) < 0)
			return ERR_NO_MEMORY;
	}
	return 0;
}

/* Takes delegations off the stack until a role is loaded that was not visited; NULL at the end. */
static int next_role(struct tuf_client *c, struct search *s, const struct tuf_role **ret,
		     struct error *err)
{
	*ret = NULL;
	while (s->n > 0) {
		struct visit visit = s->stack[--s->n];
		const char *name = json_string_value(json_object_get(visit.delegation, "name"));

		if (was_visited(s, name))
			continue;
		return tuf_load_delegated(c, visit.delegator, visit.delegation, ret, err);
	}
	return 0;
}

int tuf_client_find(struct tuf_client *c, const char *path, struct tuf_target *ret,
		    struct error *err)
{
	_cleanup_(search_done) struct search s = { 0 };
	const struct tuf_role *role;
	int r = need_loaded(c, err);

	if (r < 0)
		return r;
	s.visited = calloc(c->options.max_roles + 1, sizeof(*s.visited));
	if (!s.visited)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (role = c->roles; role;) {
		void *found = json_object_iter_at(targets_of(role), path);

		s.visited[s.n_visited++] = role;
		if (found) {
			fill_target(json_object_iter_key(found), json_object_iter_value(found),
				    ret);
			return 0;
		}
		if (push_delegations(&s, role, path) < 0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (s.n > 0 && s.n_visited > c->options.max_roles)
			return error_set(err, ERR_TOO_LARGE,
					 "%s: not found in %u delegated roles, and no more are "
					 "searched",
					 path, c->options.max_roles);
		r = next_role(c, &s, &role, err);
		if (r < 0)
			return r;
	}
	return error_set(err, ERR_NOT_LISTED, "%s: no role lists it", path);
}

/* ---- 5.7 ---- */

int tuf_target_check(const struct tuf_target *target, const void *data, size_t len,
		     struct error *err)
{
	_cleanup_(json_decrefp) json_t *meta =
		json_pack("{s:I, s:O}", "length", (json_int_t)target->length, "hashes",
			  (json_t *)target->hashes);

	if (!meta)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return tuf_check_bytes(meta, target->path, data, len, err);
}

/* "targets/<folder>/<hash>.<name>", or without the hash where snapshots are not consistent. */
static int target_fetch_path(const struct tuf_client *c, const struct tuf_target *target,
			     struct buf *out, struct error *err)
{
	const char *name = path_base(target->path), *hash = target->sha256;
	int r;

	if (!path_is_safe_relative(target->path))
		return error_set(err, ERR_INVALID, "%s: not a path that can be fetched",
				 target->path);
	if (!hash)
		hash = json_string_value(json_object_get(target->hashes, "sha512"));
	if (!tuf_root_consistent(c->root)) {
		r = buf_printf(out, "targets/%s", target->path);
	} else {
		if (!hash || !hex_is_lower(hash, strlen(hash)))
			return error_set(err, ERR_UNSUPPORTED, "%s: no hash of a known kind",
					 target->path);
		r = buf_printf(out, "targets/%.*s%s.%s", (int)(name - target->path), target->path,
			       hash, name);
	}
	return r < 0 ? error_set(err, r, "%s: the path is too long", target->path) : 0;
}

int tuf_client_download(struct tuf_client *c, const struct tuf_target *target, struct buf *out,
			struct error *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT(8192), data = { 0 };
	int r;

	if (!c->options.fetch)
		return error_set(err, ERR_BAD_STATE, "this client was opened without a network");
	if (target->length < 0 || (uint64_t)target->length > out->max - out->len)
		return error_set(err, ERR_TOO_LARGE, "%s: %lld bytes are more than is accepted",
				 target->path, (long long)target->length);
	data = BUF_INIT((size_t)target->length);
	r = target_fetch_path(c, target, &path, err);
	/* Of an empty file all is known. */
	if (r == 0 && target->length > 0)
		r = c->options.fetch(c->options.user, buf_str(&path), (size_t)target->length, &data,
				     err);
	if (r == 0)
		r = tuf_target_check(target, data.data, data.len, err);
	if (r == 0)
		r = buf_append(out, data.data, data.len);
	return r;
}
