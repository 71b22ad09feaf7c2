/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/incoming.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "tuf/client.h"
#include "tuf/metadata.h"

#define TIMESTAMP "timestamp.json"
#define NAME_SIZE (TUF_ROLE_NAME_MAX + 64)

struct incoming {
	const char *dir, *name; /* of the repository; of the file in metadata/ */
	const struct buf *data;
	int64_t version;
};

static int read_there(const struct incoming *in, const char *name, size_t max, struct buf *out)
{
	_cleanup_free_ char *path = path_join(in->dir, "metadata", name, NULL);

	*out = BUF_INIT(max);
	return path ? file_read(path, out, NULL) : ERR_NO_MEMORY;
}

/* Metadata that is there and has the form of its type. */
static int load_there(const struct incoming *in, enum tuf_type type, const char *name, size_t max,
		      struct tuf_metadata **ret)
{
	_cleanup_buf_ struct buf data = { 0 };
	int r = read_there(in, name, max, &data);

	return r < 0 ? r : tuf_metadata_parse(type, name, data.data, data.len, ret, NULL);
}

static int conflict(const struct incoming *in, struct error *err)
{
	return error_set(err, ERR_BAD_STATE, "%s: another one of this version is here", in->name);
}

static int not_signed(const struct incoming *in, const struct error *why, struct error *err)
{
	return error_set(err, ERR_DENIED, "%s: %s", in->name, why->message);
}

/* ---- Roots ---- */

static int load_root(const struct incoming *in, int64_t version, struct tuf_metadata **ret)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%" PRId64 ".root.json", version);
	return load_there(in, TUF_ROOT, name, TUF_MAX_ROOT, ret);
}

static int check_root(const struct incoming *in, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *before = NULL, *md = NULL, *there = NULL;
	struct error why = { 0 };
	int r = tuf_metadata_parse(TUF_ROOT, in->name, in->data->data, in->data->len, &md, err);

	if (r < 0)
		return r;
	if (in->version > 1 && load_root(in, in->version - 1, &before) < 0)
		return error_set(err, ERR_BAD_STATE, "%s: the root before it is not here",
				 in->name);
	if (tuf_root_verify_next(before, md, "root", false, &why) < 0)
		return not_signed(in, &why, err);
	if (load_root(in, in->version, &there) == 0 &&
	    tuf_root_verify_next(before, there, "root", false, NULL) == 0 &&
	    !json_equal(there->envelope, md->envelope))
		return conflict(in, err);
	return 0;
}

/* The newest root that a client gets to. */
static int newest_root(const struct incoming *in, struct tuf_metadata **ret)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *root = NULL;

	for (int64_t version = 1;; version++) {
		_cleanup_tuf_metadata_ struct tuf_metadata *next = NULL;

		if (load_root(in, version, &next) < 0 ||
		    tuf_root_verify_next(root, next, "root", false, NULL) < 0)
			break;
		tuf_metadata_free(root);
		root = TAKE_PTR(next);
	}
	*ret = TAKE_PTR(root);
	return *ret ? 0 : ERR_NOT_FOUND;
}

/* ---- The rest ---- */

/* One that the newest root does not vouch for (its key was rotated) is not in the way. */
static int check_timestamp(const struct incoming *in, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *root = NULL, *md = NULL, *there = NULL;
	struct error why = { 0 };
	int r = tuf_metadata_parse(TUF_TIMESTAMP, in->name, in->data->data, in->data->len, &md,
				   err);

	if (r < 0)
		return r;
	if (newest_root(in, &root) < 0)
		return error_set(err, ERR_BAD_STATE, "%s: no root is here", in->name);
	if (tuf_root_verify(root, md, in->name, false, &why) < 0)
		return not_signed(in, &why, err);
	if (load_there(in, TUF_TIMESTAMP, TIMESTAMP, TUF_MAX_TIMESTAMP, &there) < 0 ||
	    tuf_root_verify(root, there, in->name, false, NULL) < 0)
		return 0;
	if (there->version > md->version)
		return error_set(err, ERR_BAD_STATE,
				 "timestamp %" PRId64 " is here, newer than %" PRId64,
				 there->version, md->version);
	return there->version == md->version && !json_equal(there->body, md->body)
		       ? conflict(in, err)
		       : 0;
}

static bool is_there_and_another(const struct incoming *in)
{
	_cleanup_buf_ struct buf there = { 0 };

	if (read_there(in, in->name, TUF_MAX_LISTED, &there) < 0)
		return false;
	return there.len != in->data->len || memcmp(there.data, in->data->data, there.len) != 0;
}

/* `meta` says which version machines read now, and its hash. */
static int compare(const struct incoming *in, const json_t *meta, struct error *err)
{
	int64_t now = meta ? tuf_meta_version(meta) : 0;

	if (in->version > now)
		return 0;
	if (in->version == now)
		return tuf_check_bytes(meta, in->name, in->data->data, in->data->len, NULL) == 0
			       ? 0
			       : conflict(in, err);
	return is_there_and_another(in) ? conflict(in, err) : 0;
}

static int check_role(const struct incoming *in, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *timestamp = NULL, *snapshot = NULL;
	const char *file = strchr(in->name, '.') + 1;
	char name[NAME_SIZE];
	const json_t *meta;

	if (load_there(in, TUF_TIMESTAMP, TIMESTAMP, TUF_MAX_TIMESTAMP, &timestamp) < 0)
		return 0;
	meta = tuf_meta_get(timestamp, "snapshot.json");
	if (streq(file, "snapshot.json"))
		return compare(in, meta, err);
	snprintf(name, sizeof(name), "%" PRId64 ".snapshot.json", tuf_meta_version(meta));
	if (load_there(in, TUF_SNAPSHOT, name, TUF_MAX_LISTED, &snapshot) < 0)
		return 0;
	return compare(in, tuf_meta_get(snapshot, file), err);
}

/* "N.<role>.json" holds version N. */
static int read_version(struct incoming *in, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	char *end;
	long long wanted = strtoll(in->name, &end, 10);
	json_t *body;
	int r = json_parse(in->data->data, in->data->len, &object, err);

	if (r == 0)
		r = json_get_object(object, "signed", 1024, &body, err);
	if (r == 0)
		r = json_get_int(body, "version", 1, INT64_MAX, &in->version, err);
	if (r == 0 && !streq(in->name, TIMESTAMP) &&
	    (in->name[0] < '1' || in->name[0] > '9' || *end != '.' || in->version != wanted))
		r = error_set(err, ERR_INVALID, "its name says another version");
	return r;
}

static int check_metadata(const char *dir, const char *name, const struct buf *data,
			  struct error *err)
{
	struct incoming in = { .dir = dir, .name = name, .data = data };
	int r = read_version(&in, err);

	if (r < 0)
		return r;
	if (streq(name, TIMESTAMP))
		return check_timestamp(&in, err);
	return streq(strchr(name, '.'), ".root.json") ? check_root(&in, err) : check_role(&in, err);
}

/* "<SHA-256>.<name>" has that hash. */
static int check_target(const char *name, const struct buf *data, struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(data->data, data->len, sha256) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (strncmp(name, sha256, SHA256_HEX_LEN) != 0 || name[SHA256_HEX_LEN] != '.')
		return error_set(err, ERR_INVALID, "its name says another hash");
	return 0;
}

int incoming_check(const char *dir, const char *path, const struct buf *data, struct error *err)
{
	const char *name = path_base(path);
	bool metadata = str_has_prefix(path, "metadata/");

	if (!path_is_safe_relative(path) || name[0] == '.' ||
	    (!metadata && !str_has_prefix(path, "targets/")) ||
	    (metadata &&
	     (strchr(path + strlen("metadata/"), '/') || !str_has_suffix(name, ".json"))))
		return error_set(err, ERR_INVALID, "not a file of a repository");
	return metadata ? check_metadata(dir, name, data, err) : check_target(name, data, err);
}
