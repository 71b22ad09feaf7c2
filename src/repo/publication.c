/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/publication.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

DEFINE_CLEANUP(DIR *, closedir);

/* Files with a version or hash in their name never change, so one of the same size and content is
 * left alone. */
static int same_file(const char *a, const char *b, bool *ret, struct error *err)
{
	char hash_a[SHA256_HEX_LEN + 1], hash_b[SHA256_HEX_LEN + 1];
	struct stat st_a, st_b;
	int r;

	*ret = false;
	if (stat(a, &st_a) < 0 || stat(b, &st_b) < 0 || st_a.st_size != st_b.st_size)
		return 0;
	r = hash_sha256_file(a, hash_a, err);
	if (r == 0)
		r = hash_sha256_file(b, hash_b, err);
	*ret = r == 0 && streq(hash_a, hash_b);
	return r;
}

static int publish_file(struct publication *p, const char *relative, struct error *err)
{
	_cleanup_free_ char *from = path_join(p->from, relative, NULL);
	_cleanup_free_ char *to = path_join(p->to, relative, NULL);
	_cleanup_free_ char *folder = to ? strdup(to) : NULL;
	bool same;
	int r;

	if (!from || !folder)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (p->put) {
		r = p->put(p->user, from, relative, err);
		p->copied += r == 0;
		p->kept += r == ERR_EXISTS;
		return r == ERR_EXISTS ? 0 : r;
	}
	r = same_file(from, to, &same, err);
	if (r < 0)
		return r;
	p->kept += same;
	if (same)
		return 0;
	*strrchr(folder, '/') = '\0';
	r = file_make_dirs(folder, 0755, err);
	if (r == 0)
		r = file_copy(from, to, 0644, err);
	p->copied += r == 0;
	return r;
}

static int publish_tree(struct publication *p, const char *relative, unsigned depth,
			struct error *err)
{
	_cleanup_free_ char *path = path_join(p->from, relative, NULL);
	_cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_set_errno(err, errno, "%s", path ? path : relative);
	if (depth > 8)
		return error_set(err, ERR_INVALID, "%s: nested too deeply", path);
	while (r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *inner = path_join(relative, entry->d_name, NULL);

		if (!inner)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (entry->d_name[0] == '.')
			continue;
		r = entry->d_type == DT_DIR ? publish_tree(p, inner, depth + 1, err)
					    : publish_file(p, inner, err);
	}
	return r;
}

/* The order in which metadata becomes visible: what is named before what names it, and the
 * timestamp, which makes it all current, at the end. */
static int rank_of(const char *name)
{
	if (streq(name, "timestamp.json"))
		return 4;
	if (str_has_suffix(name, ".root.json"))
		return 3;
	if (str_has_suffix(name, ".snapshot.json"))
		return 2;
	return str_has_suffix(name, ".targets.json") ? 1 : 0;
}

static int publish_metadata(struct publication *p, int rank, struct error *err)
{
	_cleanup_free_ char *path = path_join(p->from, "metadata", NULL);
	_cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_set_errno(err, errno, "%s", path ? path : "metadata");
	while (r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *inner = path_join("metadata", entry->d_name, NULL);

		if (!inner)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (entry->d_name[0] != '.' && str_has_suffix(entry->d_name, ".json") &&
		    rank_of(entry->d_name) == rank)
			r = publish_file(p, inner, err);
	}
	return r;
}

static int read_timestamp(const char *tree, json_int_t *ret)
{
	_cleanup_free_ char *path = path_join(tree, "metadata", "timestamp.json", NULL);
	_cleanup_json_ json_t *there = NULL;

	if (!path || json_load_path(path, 1 << 20, &there, NULL) < 0)
		return ERR_NOT_FOUND;
	*ret = json_integer_value(json_object_get(json_object_get(there, "signed"), "version"));
	return 0;
}

int publication_check(const struct publication *p, struct error *err)
{
	json_int_t ours = 0, theirs = 0;

	if (read_timestamp(p->to, &theirs) < 0 || read_timestamp(p->from, &ours) < 0 ||
	    theirs <= ours)
		return 0;
	return error_set(err, ERR_ROLLBACK,
			 "%s: has timestamp %" JSON_INTEGER_FORMAT
			 ", newer than ours, %" JSON_INTEGER_FORMAT,
			 p->to, theirs, ours);
}

int publication_run(struct publication *p, struct error *err)
{
	int r = publish_tree(p, "targets", 0, err);

	for (int rank = 0; r == 0 && rank <= 4; rank++)
		r = publish_metadata(p, rank, err);
	return r;
}
