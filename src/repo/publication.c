/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/publication.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "tuf/client.h"
#include "tuf/metadata.h"

#define PATH_SIZE (TUF_ROLE_NAME_MAX + 64)

/* ---- A folder ---- */

static int folder_get(void *user, const char *path, size_t max, struct buf *out, struct error *err)
{
	const struct publication *p = user;
	_cleanup_free_ char *full = path_join(p->to, path, NULL);
	_cleanup_buf_ struct buf data = BUF_INIT(max);
	int r = full ? file_read(full, &data, err) : ERR_NO_MEMORY;

	if (r == -ENOENT)
		return error_set(err, ERR_NOT_FOUND, "%s: not there", path);
	if (r == 0)
		r = buf_append(out, data.data, data.len);
	return r;
}

static bool is_there(const char *path, const struct walk_file *file)
{
	_cleanup_buf_ struct buf data = BUF_INIT(file->len);
	char sha256[SHA256_HEX_LEN + 1];

	return file_exists(path) && file_read(path, &data, NULL) == 0 && data.len == file->len &&
	       hash_sha256_hex(data.data, data.len, sha256) == 0 && streq(sha256, file->sha256);
}

static int folder_put(void *user, const struct walk_file *file, const struct buf *data,
		      struct error *err)
{
	const struct publication *p = user;
	_cleanup_free_ char *path = path_join(p->to, file->path, NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (is_there(path, file))
		return ERR_EXISTS;
	return file_write_below(p->to, file->path, data->data, data->len, 0644, err);
}

/* ---- Order ---- */

/* The order in which files become visible: what is named before what names it, and the timestamp,
 * which makes it all current, at the end. */
static int rank_of(const char *path)
{
	if (!str_has_prefix(path, "metadata/"))
		return 0;
	if (streq(path, "metadata/timestamp.json"))
		return 5;
	if (str_has_suffix(path, ".root.json"))
		return 4;
	if (str_has_suffix(path, ".snapshot.json"))
		return 3;
	return str_has_suffix(path, ".targets.json") ? 2 : 1;
}

static long long version_of(const char *path)
{
	return rank_of(path) == 0 ? 0 : strtoll(path_base(path), NULL, 10);
}

static int in_order(const void *a, const void *b)
{
	const struct walk_file *x = *(const struct walk_file *const *)a;
	const struct walk_file *y = *(const struct walk_file *const *)b;
	int rank = rank_of(x->path) - rank_of(y->path);
	long long version = version_of(x->path) - version_of(y->path);

	if (rank != 0)
		return rank;
	return version != 0 ? (version > 0 ? 1 : -1) : strcmp(x->path, y->path);
}

/* The files in that order, each once. After a walk the last is the timestamp, before it the roots,
 * before them the snapshot. */
struct list {
	const struct walk_file **files;
	size_t n;
};

static void list_done(struct list *list)
{
	free(list->files);
}

static int list_make(const struct walk_result *what, struct list *ret, struct error *err)
{
	size_t n = 0;

	ret->files = calloc(what->n_files + 1, sizeof(struct walk_file *));
	if (!ret->files)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; i < what->n_files; i++)
		ret->files[i] = &what->files[i];
	qsort(ret->files, what->n_files, sizeof(struct walk_file *), in_order);
	for (size_t i = 0; i < what->n_files; i++) {
		if (n == 0 || !streq(ret->files[n - 1]->path, ret->files[i]->path))
			ret->files[n++] = ret->files[i];
	}
	ret->n = n;
	return 0;
}

/* The bytes that were verified; whoever holds a medium may have changed it meanwhile. */
static int read_verified(const struct publication *p, const struct walk_file *file, struct buf *out,
			 struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	int r;

	*out = BUF_INIT(file->len);
	r = tuf_fetch_folder((void *)p->from, file->path, file->len, out, err);
	if (r == 0)
		r = hash_sha256_hex(out->data, out->len, sha256);
	if (r < 0)
		return r;
	if (!streq(sha256, file->sha256))
		return error_set(err, ERR_HASH, "%s: has changed since it was verified",
				 file->path);
	return 0;
}

/* ---- What is there already ---- */

/* Ours, or theirs: what is to be read, or is there, at the other end. */
struct state {
	struct tuf_metadata *root, *timestamp, *snapshot;
};

static void state_done(struct state *s)
{
	tuf_metadata_free(s->root);
	tuf_metadata_free(s->timestamp);
	tuf_metadata_free(s->snapshot);
}

static int load_verified(const struct publication *p, const struct list *list, int rank,
			 enum tuf_type type, struct tuf_metadata **ret, struct error *err)
{
	_cleanup_buf_ struct buf data = { 0 };

	for (size_t i = list->n; i-- > 0;) {
		const struct walk_file *file = list->files[i];
		int r;

		if (rank_of(file->path) != rank)
			continue;
		r = read_verified(p, file, &data, err);
		return r < 0 ? r
			     : tuf_metadata_parse(type, file->path, data.data, data.len, ret, err);
	}
	return error_set(err, ERR_NOT_FOUND, "%s: no %s was verified", p->from,
			 tuf_type_name(type));
}

static int load_ours(const struct publication *p, const struct list *list, struct state *ret,
		     struct error *err)
{
	int r = load_verified(p, list, 4, TUF_ROOT, &ret->root, err);

	if (r == 0)
		r = load_verified(p, list, 5, TUF_TIMESTAMP, &ret->timestamp, err);
	return r < 0 ? r : load_verified(p, list, 3, TUF_SNAPSHOT, &ret->snapshot, err);
}

static int diverged(const struct publication *p, const char *what, int64_t version,
		    struct error *err)
{
	error_set(err, ERR_ROLLBACK, "%s: has another %s %" PRId64 " than this one", p->to, what,
		  version);
	error_hint(err, "The two were changed apart, perhaps from a backup: one of them has to go");
	return ERR_ROLLBACK;
}

static int newer(const struct publication *p, const char *what, int64_t theirs, int64_t ours,
		 struct error *err)
{
	return error_set(err, ERR_ROLLBACK, "%s: has %s %" PRId64 ", newer than ours, %" PRId64,
			 p->to, what, theirs, ours);
}

/* One of our roots; *ret_there when it is there, too. A damaged one is none. */
static int compare_root(const struct publication *p, const struct walk_file *file, bool *ret_there,
			struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(TUF_MAX_ROOT);
	char sha256[SHA256_HEX_LEN + 1];
	int r = p->get(p->user, file->path, TUF_MAX_ROOT, &data, err);

	*ret_there = false;
	if (r == ERR_NOT_FOUND || r == ERR_TOO_LARGE)
		return 0;
	if (r == 0)
		r = hash_sha256_hex(data.data, data.len, sha256);
	if (r < 0)
		return r;
	*ret_there = streq(sha256, file->sha256);
	if (*ret_there ||
	    tuf_metadata_parse(TUF_ROOT, file->path, data.data, data.len, &md, NULL) < 0)
		return 0;
	return error_set(err, ERR_UNTRUSTED, "%s: holds another repository: its %s is another one",
			 p->to, file->path);
}

/* From the newest that is there, all roots lead back the same way. */
static int compare_roots(const struct publication *p, const struct list *list,
			 const struct state *ours, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(TUF_MAX_ROOT);
	char path[PATH_SIZE];
	bool there = false;
	int r;

	snprintf(path, sizeof(path), "metadata/%" PRId64 ".root.json", ours->root->version + 1);
	r = p->get(p->user, path, TUF_MAX_ROOT, &data, err);
	if (r == 0)
		return newer(p, "root", ours->root->version + 1, ours->root->version, err);
	if (r != ERR_NOT_FOUND)
		return r;
	r = 0;
	for (size_t i = list->n - 1; r == 0 && !there && i-- > 0;) {
		if (rank_of(list->files[i]->path) == 4)
			r = compare_root(p, list->files[i], &there, err);
	}
	return r;
}

/* Leaves *ret NULL when there is no timestamp that counts. */
static int load_their_timestamp(const struct publication *p, const struct state *ours,
				struct tuf_metadata **ret, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(TUF_MAX_TIMESTAMP);
	const char *path = "metadata/timestamp.json";
	int r = p->get(p->user, path, TUF_MAX_TIMESTAMP, &data, err);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0)
		r = tuf_metadata_parse(TUF_TIMESTAMP, path, data.data, data.len, &md, err);
	if (r < 0) {
		error_hint(err, "If what is there is damaged, remove this file");
		return error_prefix(err, r, "%s", p->to);
	}
	if (tuf_root_verify(ours->root, md, path, false, NULL) == 0)
		*ret = TAKE_PTR(md);
	return 0;
}

/* The snapshot that a timestamp names, if it is there and whole and our root vouches for it. */
static int load_their_snapshot(const struct publication *p, const struct state *ours,
			       const json_t *meta, struct tuf_metadata **ret, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(TUF_MAX_LISTED);
	char path[PATH_SIZE];
	int r;

	snprintf(path, sizeof(path), "metadata/%" PRId64 ".snapshot.json", tuf_meta_version(meta));
	r = p->get(p->user, path, TUF_MAX_LISTED, &data, err);
	if (r == ERR_NOT_FOUND || r == ERR_TOO_LARGE)
		return 0;
	if (r < 0)
		return r;
	if (tuf_check_bytes(meta, path, data.data, data.len, NULL) == 0 &&
	    tuf_metadata_parse(TUF_SNAPSHOT, path, data.data, data.len, &md, NULL) == 0 &&
	    tuf_root_verify(ours->root, md, path, false, NULL) == 0)
		*ret = TAKE_PTR(md);
	return 0;
}

/* What a client that read theirs would refuse in ours, and a version that is signed twice. */
static int compare_meta(const struct publication *p, const char *file, const json_t *theirs,
			const json_t *ours, struct error *err)
{
	int64_t before = tuf_meta_version(theirs), now = ours ? tuf_meta_version(ours) : 0;
	const json_t *a = json_object_get(theirs, "hashes"), *b = json_object_get(ours, "hashes");

	if (now < before)
		return newer(p, file, before, now, err);
	return now == before && a && b && !json_equal(a, b) ? diverged(p, file, now, err) : 0;
}

static int compare_snapshots(const struct publication *p, const struct state *theirs,
			     const struct state *ours, struct error *err)
{
	const char *file;
	json_t *meta;
	int r = 0;

	json_object_foreach (json_object_get(theirs->snapshot->body, "meta"), file, meta) {
		if (r == 0)
			r = compare_meta(p, file, meta, tuf_meta_get(ours->snapshot, file), err);
	}
	return r;
}

static int compare(const struct publication *p, const struct list *list, struct error *err)
{
	_cleanup_(state_done) struct state ours = { 0 }, theirs = { 0 };
	const json_t *meta;
	int r = load_ours(p, list, &ours, err);

	if (r == 0)
		r = compare_roots(p, list, &ours, err);
	if (r == 0)
		r = load_their_timestamp(p, &ours, &theirs.timestamp, err);
	if (r < 0 || !theirs.timestamp)
		return r;
	if (theirs.timestamp->version > ours.timestamp->version)
		return newer(p, "timestamp", theirs.timestamp->version, ours.timestamp->version,
			     err);
	if (theirs.timestamp->version == ours.timestamp->version &&
	    !json_equal(theirs.timestamp->body, ours.timestamp->body))
		return diverged(p, "timestamp", ours.timestamp->version, err);
	meta = tuf_meta_get(theirs.timestamp, "snapshot.json");
	r = compare_meta(p, "snapshot.json", meta, tuf_meta_get(ours.timestamp, "snapshot.json"),
			 err);
	if (r == 0)
		r = load_their_snapshot(p, &ours, meta, &theirs.snapshot, err);
	return r < 0 || !theirs.snapshot ? r : compare_snapshots(p, &theirs, &ours, err);
}

/* ---- Copying ---- */

static int put_file(struct publication *p, const struct walk_file *file, struct error *err)
{
	_cleanup_buf_ struct buf data = { 0 };
	int r = read_verified(p, file, &data, err);

	if (r == 0)
		r = p->put(p->user, file, &data, err);
	p->copied += r == 0;
	p->kept += r == ERR_EXISTS;
	return r == ERR_EXISTS ? 0 : r;
}

int publication_run(struct publication *p, struct error *err)
{
	_cleanup_(list_done) struct list list = { 0 };
	int r = list_make(p->what, &list, err);

	if (!p->put) {
		p->get = folder_get;
		p->put = folder_put;
		p->user = p;
	}
	if (r == 0)
		r = compare(p, &list, err);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = put_file(p, list.files[i], err);
	return r;
}
