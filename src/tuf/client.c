/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's folder, its root of trust, and the order of the workflow. */
#include "tuf/client.h"

#include <dirent.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/file.h"
#include "tuf/client_internal.h"

DEFINE_CLEANUP(DIR *, closedir);

static void set_defaults(struct tuf_client_options *o)
{
	o->max_root = o->max_root ? o->max_root : TUF_MAX_ROOT;
	o->max_timestamp = o->max_timestamp ? o->max_timestamp : TUF_MAX_TIMESTAMP;
	o->max_snapshot = o->max_snapshot ? o->max_snapshot : TUF_MAX_SNAPSHOT;
	o->max_targets = o->max_targets ? o->max_targets : TUF_MAX_TARGETS;
	o->max_rotations = o->max_rotations ? o->max_rotations : TUF_MAX_ROTATIONS;
	o->max_roles = o->max_roles ? o->max_roles : TUF_MAX_ROLES;
}

/* ---- The folder ---- */

int tuf_cache_read(struct tuf_client *c, const char *name, size_t max, struct buf *out,
		   struct error *err)
{
	int r;

	*out = BUF_INIT(max);
	r = file_read_at(c->dir_fd, name, out, err);
	return r == -ENOENT ? error_set(err, ERR_NOT_FOUND, "%s: not in the trusted folder", name)
			    : r;
}

int tuf_cache_write(struct tuf_client *c, const char *name, const struct buf *data,
		    struct error *err)
{
	int r = file_write_atomic_at(c->dir_fd, name, data->data, data->len, 0644, err);

	return r < 0 ? error_prefix(err, r, "trusted metadata") : 0;
}

/*
 * The old root stays until the new one takes its place: a crash never leaves none. What belonged to
 * the old one (`goes`; NULL: nothing) is removed between: it is not lost for nothing on a full
 * disk, where the new root could not be written, and no crash leaves it to the new one.
 */
static int replace_root(int dir_fd, const void *data, size_t len, bool (*goes)(const char *name),
			struct error *err)
{
	char staged[FILE_STAGED_MAX];
	int r = file_stage_at(dir_fd, data, len, 0644, staged, err);

	if (r < 0)
		return error_prefix(err, r, "root.json");
	if (goes)
		r = file_remove_matching(dir_fd, goes, err);
	if (r == 0)
		r = file_commit_at(dir_fd, staged, "root.json", err);
	else
		unlinkat(dir_fd, staged, 0);
	return r < 0 ? error_prefix(err, r, "root.json") : 0;
}

int tuf_fetch_metadata(struct tuf_client *c, const char *name, size_t max, struct buf *out,
		       struct error *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT(1024);
	int r;

	*out = BUF_INIT(max);
	if (!c->options.fetch)
		return error_set(err, ERR_NOT_FOUND, "%s: not in the trusted folder", name);
	r = buf_printf(&path, "metadata/%s", name);
	if (r < 0)
		return error_set(err, r, "%s: the name is too long", name);
	r = c->options.fetch(c->options.user, buf_str(&path), max, out, err);
	if (r == 0 && out->len > max)
		r = ERR_TOO_LARGE;
	if (r == ERR_TOO_LARGE)
		return error_set(err, r, "%s: more than %zu bytes", name, max);
	return r;
}

int tuf_check_expiry(const struct tuf_client *c, const struct tuf_metadata *md, const char *what,
		     struct error *err)
{
	char text[CLOCK_TEXT_MAX];

	if (c->ignore_expiry || md->expires > c->now)
		return 0;
	clock_format(md->expires, text);
	return error_set(err, ERR_EXPIRED, "%s: expired on %s", what, text);
}

/* ---- Opening ---- */

/* Its own keys must have signed it, by the rule that holds from now on. */
static int check_first_root(const void *root, size_t len, bool any_key_ids, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	int r;

	if (len > TUF_MAX_ROOT)
		return error_set(err, ERR_TOO_LARGE, "root.json: more than %zu bytes",
				 TUF_MAX_ROOT);
	r = tuf_metadata_parse(TUF_ROOT, "root.json", root, len, &md, err);
	return r < 0 ? r : tuf_root_verify_next(NULL, md, "root.json", any_key_ids, err);
}

static bool is_below_root(const char *name)
{
	return str_has_suffix(name, ".json") && !streq(name, "root.json");
}

/* What is in a folder without a root.json was not put there by a client. */
static int check_ours(int dir_fd, const char *dir, struct error *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!list) {
		int r = error_set_errno(err, errno, "%s", dir);

		closep(&fd);
		return r;
	}
	if (faccessat(dir_fd, "root.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	while ((entry = readdir(list))) {
		const char *name = entry->d_name;

		if (!streq(name, ".") && !streq(name, "..") && !file_is_leftover(name))
			return error_set(err, ERR_BAD_STATE,
					 "%s: holds %s and no root.json: it is no folder of "
					 "trusted metadata",
					 dir, name);
	}
	return 0;
}

int tuf_client_init(const char *dir, const void *root, size_t len, bool any_key_ids,
		    struct error *err)
{
	int r = check_first_root(root, len, any_key_ids, err);

	if (r == 0)
		r = file_make_dirs(dir, 0700, err);
	if (r < 0)
		return r;

	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return error_set_errno(err, errno, "%s", dir);
	r = check_ours(dir_fd, dir, err);
	if (r < 0)
		return r;
	r = file_remove_matching(dir_fd, NULL, err);
	if (r == 0)
		r = replace_root(dir_fd, root, len, is_below_root, err);
	return r < 0 ? error_prefix(err, r, "%s", dir) : 0;
}

int tuf_client_open(const char *dir, const struct tuf_client_options *options,
		    struct tuf_client **ret, struct error *err)
{
	_cleanup_tuf_client_ struct tuf_client *c = calloc(1, sizeof(*c));
	_cleanup_buf_ struct buf data = { 0 };
	int r;

	if (!c)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	c->options = *options;
	set_defaults(&c->options);
	c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "%s: no trusted metadata here", dir);
	if (c->dir_fd < 0)
		return error_set_errno(err, errno, "%s", dir);
	r = tuf_cache_read(c, "root.json", c->options.max_root, &data, err);
	if (r == 0)
		r = tuf_metadata_parse(TUF_ROOT, "root.json", data.data, data.len, &c->root, err);
	if (r == 0)
		r = tuf_root_verify_next(NULL, c->root, "root.json", c->options.any_key_ids, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

/* Drops everything below the root. */
static void forget_loaded(struct tuf_client *c)
{
	tuf_roles_free(c);
	tuf_metadata_freep(&c->timestamp);
	tuf_metadata_freep(&c->snapshot);
	c->timestamp = c->snapshot = NULL;
}

void tuf_client_free(struct tuf_client *c)
{
	if (!c)
		return;
	forget_loaded(c);
	buf_free(&c->polled);
	tuf_metadata_free(c->root);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	free(c);
}

/* ---- Section 5.3: the root role ---- */

static const json_t *key_value(const struct tuf_metadata *root, const char *key_id)
{
	const json_t *keys = json_object_get(root->body, "keys");

	return json_object_get(json_object_get(keys, key_id), "keyval");
}

/* True when a key that the old root trusts for the role is trusted for it no longer. With
 * any_key_ids, another key may go by the same key ID. */
static bool lost_a_key(const struct tuf_metadata *old, const struct tuf_metadata *new,
		       enum tuf_type type)
{
	const json_t *before = json_object_get(tuf_root_role(old, type), "keyids");
	const json_t *after = json_object_get(tuf_root_role(new, type), "keyids");

	for (size_t i = 0; i < json_array_size(before); i++) {
		const char *id = json_string_value(json_array_get(before, i));
		const json_t *value = key_value(old, id);
		bool kept = false;

		for (size_t j = 0; j < json_array_size(after); j++)
			kept |= streq(id, json_string_value(json_array_get(after, j)));
		if (!kept || (value && !json_equal(value, key_value(new, id))))
			return true;
	}
	return false;
}

static bool is_rollback_guard(const char *name)
{
	return streq(name, "timestamp.json") || streq(name, "snapshot.json");
}

/*
 * 5.3.7, 5.3.8 and 5.3.11. Timestamp and snapshot of rotated keys are removed before the new root
 * takes its place and not at the end: a crash in between would leave a root that no longer shows
 * that a key was rotated.
 */
static int accept_root(struct tuf_client *c, struct tuf_metadata **new, const struct buf *data,
		       struct error *err)
{
	bool rotated =
		lost_a_key(c->root, *new, TUF_TIMESTAMP) || lost_a_key(c->root, *new, TUF_SNAPSHOT);
	int r = replace_root(c->dir_fd, data->data, data->len, rotated ? is_rollback_guard : NULL,
			     err);

	if (r < 0)
		return error_prefix(err, r, "trusted metadata");
	tuf_metadata_free(c->root);
	c->root = TAKE_PTR(*new);
	buf_free(&c->polled); /* perhaps signed by keys of before */
	return 0;
}

/* One turn of 5.3.2 to 5.3.9. *ret_more is false when there is no newer root. */
static int next_root(struct tuf_client *c, bool *ret_more, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *new = NULL;
	_cleanup_buf_ struct buf data = { 0 };
	char name[64];
	int r;

	snprintf(name, sizeof(name), "%" PRId64 ".root.json", c->root->version + 1);
	*ret_more = false;
	r = tuf_fetch_metadata(c, name, c->options.max_root, &data, err);
	if (r == ERR_NOT_FOUND) {
		/* The usual end: nothing for a person to read. */
		if (err)
			*err = (struct error){ 0 };
		return 0;
	}
	if (r == 0)
		r = tuf_metadata_parse(TUF_ROOT, name, data.data, data.len, &new, err);
	if (r == 0)
		r = tuf_root_verify_next(c->root, new, name, c->options.any_key_ids, err);
	if (r < 0)
		return r;
	*ret_more = true;
	return accept_root(c, &new, &data, err);
}

static int update_root(struct tuf_client *c, struct error *err)
{
	bool more = true;
	int r;

	for (unsigned i = 0; more && i < c->options.max_rotations; i++) {
		r = next_root(c, &more, err);
		if (r < 0)
			return r;
	}
	/* 5.3.10 */
	return tuf_check_expiry(c, c->root, "root.json", err);
}

/* ---- The whole ---- */

static int load_below_root(struct tuf_client *c, struct error *err)
{
	int r = tuf_update_timestamp(c, err);

	if (r == 0)
		r = tuf_update_snapshot(c, err);
	if (r == 0)
		r = tuf_load_top_targets(c, err);
	return r;
}

/*
 * Section 3.1.2: the timestamp is the first and potentially only file that a poll needs. When the
 * repository's is, byte for byte, the trusted one, and all that is trusted is right and in date,
 * everything is loaded from the folder and *ret_done is true. Otherwise the bytes are kept for 5.4.
 */
static int poll_timestamp(struct tuf_client *c, bool *ret_done, struct error *err)
{
	_cleanup_buf_ struct buf trusted = { 0 };
	size_t max = c->options.max_timestamp;
	int r;

	*ret_done = false;
	buf_free(&c->polled);
	if (tuf_cache_read(c, "timestamp.json", max, &trusted, NULL) < 0 || trusted.len == 0)
		return 0;
	r = tuf_fetch_metadata(c, "timestamp.json", max, &c->polled, err);
	if (r < 0) {
		buf_free(&c->polled);
		return r;
	}
	if (c->polled.len == trusted.len && memcmp(c->polled.data, trusted.data, trusted.len) == 0)
		*ret_done = tuf_client_load_cached(c, c->now, false, NULL) == 0;
	c->offline = false; /* delegated roles that are not in the folder may be fetched */
	return 0;
}

int tuf_client_refresh(struct tuf_client *c, int64_t now, struct error *err)
{
	bool done;
	int r;

	c->now = now;
	if (!c->options.fetch)
		return error_set(err, ERR_BAD_STATE, "this client was opened without a network");
	r = file_remove_matching(c->dir_fd, NULL, err);
	if (r < 0)
		return r;
	if (c->options.poll) {
		r = poll_timestamp(c, &done, err);
		if (r < 0 || done)
			return r;
	}
	forget_loaded(c);
	c->offline = c->ignore_expiry = false;
	r = update_root(c, err);
	if (r == 0)
		r = load_below_root(c, err);
	if (r == ERR_NOT_FOUND)
		error_hint(err, "The repository is incomplete, or this is not one");
	return r;
}

int tuf_client_load_cached(struct tuf_client *c, int64_t now, bool ignore_expiry, struct error *err)
{
	int r;

	c->now = now;
	forget_loaded(c);
	c->offline = true;
	c->ignore_expiry = ignore_expiry;
	r = tuf_check_expiry(c, c->root, "root.json", err);
	return r < 0 ? r : load_below_root(c, err);
}

int tuf_client_info(const struct tuf_client *c, const char *role, int64_t *ret_version,
		    int64_t *ret_expires)
{
	const struct tuf_metadata *md = NULL;

	if (streq(role, "root"))
		md = c->root;
	else if (streq(role, "timestamp"))
		md = c->timestamp;
	else if (streq(role, "snapshot"))
		md = c->snapshot;
	else if (streq(role, "targets"))
		md = c->roles ? c->roles->md : NULL;
	if (!md)
		return ERR_BAD_STATE;
	if (ret_version)
		*ret_version = md->version;
	if (ret_expires)
		*ret_expires = md->expires;
	return 0;
}
