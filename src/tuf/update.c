/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sections 5.4 to 5.6: timestamp, snapshot, targets and delegated roles, each first from the
 * trusted folder and then, where that is not what the parent names, from the repository. */
#include <inttypes.h>

#include "base/json.h"
#include "tuf/client_internal.h"

#define ROLE_FILE_MAX 240                     /* as long as file systems take it, and some */
#define LISTED_MAX    (TUF_ROLE_NAME_MAX + 8) /* "<role>.json", not encoded */
#define WANTED_MAX    (LISTED_MAX + 32)       /* "<version>.<role>.json", not encoded */

/* Parses and verifies against the root: what is common to files from the folder and fetched ones.
 */
static int open_top_level(struct tuf_client *c, enum tuf_type type, const struct buf *data,
			  const char *what, struct tuf_metadata **ret, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	int r = tuf_metadata_parse(type, what, data->data, data->len, &md, err);

	if (r == 0)
		r = tuf_root_verify(c->root, md, what, c->options.any_key_ids, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(md);
	return 0;
}

/*
 * Whether a trusted file that could not be loaded is simply none: missing, damaged, or not vouched
 * for any more. Everything else (no permission, a broken disk, no memory) says nothing about what
 * was trusted, and a client that forgot it could be led back.
 */
static bool is_none(int r)
{
	return r == ERR_NOT_FOUND || r == ERR_INVALID || r == ERR_SIGNATURE || r == ERR_TOO_LARGE ||
	       r == ERR_UNSUPPORTED;
}

/* A top-level file of the folder that the root of today still vouches for; its date is not looked
 * at. Without a network there must be one; otherwise *ret is left alone when there is none. */
static int load_trusted(struct tuf_client *c, enum tuf_type type, size_t max,
			struct tuf_metadata **ret, struct buf *ret_data, struct error *err)
{
	struct error why = { 0 };
	char name[32];
	int r;

	snprintf(name, sizeof(name), "%s.json", tuf_type_name(type));
	r = tuf_cache_read(c, name, max, ret_data, &why);
	if (r == 0)
		r = open_top_level(c, type, ret_data, name, ret, &why);
	if (r == 0 || (!c->offline && is_none(r)))
		return 0;
	if (err)
		*err = why;
	return error_prefix(err, r, "trusted metadata");
}

/* ---- 5.4 ---- */

static const json_t *snapshot_meta(const struct tuf_metadata *timestamp)
{
	return tuf_meta_get(timestamp, "snapshot.json");
}

/* 5.4.3: neither the timestamp nor the snapshot it names may be older than what is trusted. What a
 * timestamp of the trusted version says is not looked at (5.4.3.1). */
static int check_timestamp_rollback(const struct tuf_metadata *old, const struct tuf_metadata *new,
				    struct error *err)
{
	int64_t old_snapshot, new_snapshot;

	if (!old)
		return 0;
	if (new->version < old->version)
		return error_set(err, ERR_ROLLBACK,
				 "timestamp.json: version %" PRId64
				 " is lower than the trusted %" PRId64,
				 new->version, old->version);
	old_snapshot = tuf_meta_version(snapshot_meta(old));
	new_snapshot = tuf_meta_version(snapshot_meta(new));
	if (new->version > old->version && new_snapshot < old_snapshot)
		return error_set(err, ERR_ROLLBACK,
				 "timestamp.json: names snapshot %" PRId64
				 ", lower than the trusted %" PRId64,
				 new_snapshot, old_snapshot);
	return 0;
}

/* 5.4.1; the bytes of a poll are not asked for again. */
static int get_timestamp(struct tuf_client *c, struct buf *out, struct error *err)
{
	if (c->polled.len == 0)
		return tuf_fetch_metadata(c, "timestamp.json", c->options.max_timestamp, out, err);
	*out = c->polled;
	c->polled = (struct buf){ 0 };
	return 0;
}

int tuf_update_timestamp(struct tuf_client *c, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *old = NULL, *new = NULL;
	_cleanup_buf_ struct buf old_data = { 0 }, data = { 0 };
	size_t max = c->options.max_timestamp;
	int r = load_trusted(c, TUF_TIMESTAMP, max, &old, &old_data, err);

	if (r < 0)
		return r;
	if (c->offline) {
		c->timestamp = TAKE_PTR(old);
		return tuf_check_expiry(c, c->timestamp, "timestamp.json", err);
	}
	r = get_timestamp(c, &data, err);
	if (r == 0)
		r = open_top_level(c, TUF_TIMESTAMP, &data, "timestamp.json", &new, err);
	if (r == 0)
		r = check_timestamp_rollback(old, new, err);
	if (r < 0)
		return r;
	if (old && new->version == old->version) {
		/* 5.4.3.1: the same version says nothing new; what is trusted stays. */
		c->timestamp = TAKE_PTR(old);
		return tuf_check_expiry(c, c->timestamp, "timestamp.json", err);
	}
	r = tuf_check_expiry(c, new, "timestamp.json", err);
	if (r == 0)
		r = tuf_cache_write(c, "timestamp.json", &data, err);
	if (r < 0)
		return r;
	c->timestamp = TAKE_PTR(new);
	return 0;
}

/* ---- 5.5 ---- */

/* Bytes to fetch at most for a file that its parent describes: the length that it signed, if any.
 */
static size_t length_cap(const json_t *meta, size_t cap)
{
	const json_t *length = json_optional(meta, "length");

	/* It is a number of at least 1 (tuf_form_check). */
	return length ? (size_t)MIN(json_integer_value(length), (json_int_t)TUF_MAX_LISTED) : cap;
}

/* Bytes to read at most of such a file in the folder: it may have had a length then. */
static size_t cached_cap(size_t cap)
{
	return MAX(cap, TUF_MAX_LISTED);
}

static int check_version(const struct tuf_metadata *md, const json_t *meta, const char *what,
			 const char *parent, struct error *err)
{
	if (md->version == tuf_meta_version(meta))
		return 0;
	return error_set(err, ERR_ROLLBACK, "%s: version %" PRId64 ", but %s names %" PRId64, what,
			 md->version, parent, tuf_meta_version(meta));
}

/* 5.5.5: no file may disappear or become older, nor the snapshot itself: where the trusted
 * timestamp is lost, nothing else has said so. */
static int check_snapshot_rollback(const struct tuf_metadata *old, const struct tuf_metadata *new,
				   struct error *err)
{
	const char *file;
	json_t *before;

	if (!old)
		return 0;
	if (new->version < old->version)
		return error_set(err, ERR_ROLLBACK,
				 "snapshot.json: version %" PRId64
				 " is lower than the trusted %" PRId64,
				 new->version, old->version);
	json_object_foreach (json_object_get(old->body, "meta"), file, before) {
		const json_t *after = tuf_meta_get(new, file);

		if (!after)
			return error_set(err, ERR_ROLLBACK, "snapshot.json: %s is no longer listed",
					 file);
		if (tuf_meta_version(after) < tuf_meta_version(before))
			return error_set(err, ERR_ROLLBACK,
					 "snapshot.json: names %s version %" PRId64
					 ", lower than the trusted %" PRId64,
					 file, tuf_meta_version(after), tuf_meta_version(before));
	}
	return 0;
}

static void repository_name(const struct tuf_client *c, int64_t version, const char *file,
			    char ret[static WANTED_MAX])
{
	if (tuf_root_consistent(c->root))
		snprintf(ret, WANTED_MAX, "%" PRId64 ".%s", version, file);
	else
		snprintf(ret, WANTED_MAX, "%s", file);
}

/* Whether the folder's snapshot is the very one that the timestamp names. */
static bool is_named_snapshot(const struct tuf_client *c, const struct tuf_metadata *md,
			      const struct buf *data)
{
	const json_t *meta = snapshot_meta(c->timestamp);

	return md && md->version == tuf_meta_version(meta) &&
	       tuf_check_bytes(meta, "snapshot.json", data->data, data->len, NULL) == 0;
}

static int fetch_snapshot(struct tuf_client *c, const struct tuf_metadata *old, struct error *err)
{
	const json_t *meta = snapshot_meta(c->timestamp);
	_cleanup_tuf_metadata_ struct tuf_metadata *new = NULL;
	_cleanup_buf_ struct buf data = { 0 };
	char name[WANTED_MAX];
	int r;

	repository_name(c, tuf_meta_version(meta), "snapshot.json", name);
	r = tuf_fetch_metadata(c, name, length_cap(meta, c->options.max_snapshot), &data, err);
	if (r == 0)
		r = tuf_check_bytes(meta, "snapshot.json", data.data, data.len, err);
	if (r == 0)
		r = open_top_level(c, TUF_SNAPSHOT, &data, "snapshot.json", &new, err);
	if (r == 0)
		r = check_version(new, meta, "snapshot.json", "timestamp.json", err);
	if (r == 0)
		r = check_snapshot_rollback(old, new, err);
	if (r == 0)
		r = tuf_check_expiry(c, new, "snapshot.json", err);
	if (r == 0)
		r = tuf_cache_write(c, "snapshot.json", &data, err);
	if (r < 0)
		return r;
	c->snapshot = TAKE_PTR(new);
	return 0;
}

int tuf_update_snapshot(struct tuf_client *c, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *old = NULL;
	_cleanup_buf_ struct buf old_data = { 0 };
	int r = load_trusted(c, TUF_SNAPSHOT, cached_cap(c->options.max_snapshot), &old, &old_data,
			     err);

	if (r < 0)
		return r;
	if (is_named_snapshot(c, old, &old_data)) {
		c->snapshot = TAKE_PTR(old);
		return tuf_check_expiry(c, c->snapshot, "snapshot.json", err);
	}
	if (!c->offline)
		return fetch_snapshot(c, old, err);
	return error_set(err, ERR_BAD_STATE,
			 "snapshot.json: not the one that timestamp.json names; the last refresh "
			 "did not end");
}

/* ---- 5.6 ---- */

void tuf_roles_free(struct tuf_client *c)
{
	while (c->roles) {
		struct tuf_role *role = c->roles;

		c->roles = role->next;
		tuf_metadata_free(role->md);
		free(role);
	}
}

/* The name of a role's file in the folder, percent-encoded: no role's name can leave the folder. */
static int role_file(const char *role, struct buf *ret, struct error *err)
{
	int r;

	*ret = BUF_INIT(ROLE_FILE_MAX);
	r = buf_append_percent(ret, role, "");
	if (r == 0)
		r = buf_append_str(ret, ".json");
	if (r == ERR_TOO_LARGE)
		return error_set(err, ERR_UNSUPPORTED, "%s: the name is too long for a file", role);
	return r < 0 ? error_set(err, r, "no memory") : 0;
}

/* Checks 5.6.2 to 5.6.5 on bytes from anywhere. */
static int open_role(struct tuf_client *c, const struct tuf_role *delegator,
		     const json_t *delegation, const json_t *meta, const char *what,
		     const struct buf *data, struct tuf_metadata **ret, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	bool any = c->options.any_key_ids;
	int r = tuf_check_bytes(meta, what, data->data, data->len, err);

	if (r == 0)
		r = tuf_metadata_parse(TUF_TARGETS, what, data->data, data->len, &md, err);
	if (r == 0 && delegator)
		r = tuf_metadata_verify(md, what, tuf_targets_keys(delegator->md), delegation, any,
					err);
	else if (r == 0)
		r = tuf_root_verify(c->root, md, what, any, err);
	if (r == 0)
		r = check_version(md, meta, what, "snapshot.json", err);
	if (r == 0 && !(delegator && c->options.expired_roles))
		r = tuf_check_expiry(c, md, what, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(md);
	return 0;
}

static int get_role(struct tuf_client *c, const struct tuf_role *delegator,
		    const json_t *delegation, const char *name, struct tuf_metadata **ret,
		    struct error *err)
{
	_cleanup_buf_ struct buf file = { 0 }, cached = { 0 }, data = { 0 };
	char wanted[WANTED_MAX], listed[LISTED_MAX];
	const json_t *meta;
	int r = role_file(name, &file, err);

	if (r < 0)
		return r;
	snprintf(listed, sizeof(listed), "%s.json", name);
	meta = tuf_meta_get(c->snapshot, listed);
	if (!meta)
		/* Not ERR_NOT_LISTED: the delegator vouches for this role. Whoever holds the
		 * snapshot's key must not be able to make a delegated role look like one that never
		 * was. */
		return error_set(err, ERR_NOT_FOUND, "%s: snapshot.json does not list it", listed);

	/* Nothing older is guarded by this copy, so whatever is wrong with it, another will do. */
	r = tuf_cache_read(c, buf_str(&file), cached_cap(c->options.max_targets), &cached,
			   c->offline ? err : NULL);
	if (r == 0)
		r = open_role(c, delegator, delegation, meta, listed, &cached, ret,
			      c->offline ? err : NULL);
	if (r == 0 || c->offline)
		return r;

	repository_name(c, tuf_meta_version(meta), listed, wanted);
	r = tuf_fetch_metadata(c, wanted, length_cap(meta, c->options.max_targets), &data, err);
	if (r == 0)
		r = open_role(c, delegator, delegation, meta, listed, &data, ret, err);
	if (r == 0)
		r = tuf_cache_write(c, buf_str(&file), &data, err);
	return r;
}

/* Loads a role and links it in as the last one. */
static int add_role(struct tuf_client *c, const struct tuf_role *delegator,
		    const json_t *delegation, const char *name, const struct tuf_role **ret,
		    struct error *err)
{
	_cleanup_free_ struct tuf_role *role = calloc(1, sizeof(*role));
	struct tuf_role **end = &c->roles;
	int r;

	if (!role)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = get_role(c, delegator, delegation, name, &role->md, err);
	if (r < 0) {
		tuf_metadata_free(role->md);
		return r;
	}
	role->delegator = delegator;
	role->delegation = delegation;
	snprintf(role->name, sizeof(role->name), "%s", name);
	while (*end)
		end = &(*end)->next;
	*end = role;
	*ret = TAKE_PTR(role);
	return 0;
}

int tuf_load_top_targets(struct tuf_client *c, struct error *err)
{
	const struct tuf_role *role;

	return add_role(c, NULL, NULL, "targets", &role, err);
}

int tuf_load_delegated(struct tuf_client *c, const struct tuf_role *delegator,
		       const json_t *delegation, const struct tuf_role **ret, struct error *err)
{
	const char *name = json_string_value(json_object_get(delegation, "name"));

	for (struct tuf_role *role = c->roles; role; role = role->next) {
		if (role->delegation == delegation) {
			*ret = role;
			return 0;
		}
	}
	return add_role(c, delegator, delegation, name, ret, err);
}
