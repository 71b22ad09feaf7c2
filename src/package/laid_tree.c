/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/laid_tree.h"

#include <fts.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"

/* More than this is no source file. */
#define FILE_BYTES_MAX ((size_t)256 << 20)

static void fts_closep(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

/* What one walk does with each entry; `to` is its place in the new tree. */
typedef int (*place_fn)(const FTSENT *entry, const char *to, size_t *count, struct error *err);

static int walk(const char *from, const char *dest, place_fn place, size_t *count,
		struct error *err)
{
	char *const roots[] = { (char *)from, NULL };
	_cleanup_(fts_closep) FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	size_t len = strlen(from);
	int r = 0;

	if (!fts)
		return error_set_errno(err, errno, "cannot read %s", from);
	while (r == 0 && (errno = 0, entry = fts_read(fts)) != NULL) {
		char to[PATH_MAX];

		if (entry->fts_info == FTS_DP)
			continue;
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
		    entry->fts_info == FTS_NS)
			return error_set_errno(err, entry->fts_errno, "cannot read %s",
					       entry->fts_path);
		if (snprintf(to, sizeof(to), "%s%s", dest, entry->fts_path + len) >=
		    (int)sizeof(to))
			return error_set(err, -ENAMETOOLONG, "%s: too long", entry->fts_path);
		r = place(entry, to, count, err);
	}
	return r == 0 && errno ? error_set_errno(err, errno, "cannot read %s", from) : r;
}

static int copy_link(const FTSENT *entry, const char *to, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(entry->fts_accpath, target, sizeof(target) - 1);

	if (n < 0)
		return error_set_errno(err, errno, "cannot read %s", entry->fts_path);
	target[n] = '\0';
	return symlink(target, to) < 0 ? error_set_errno(err, errno, "cannot create %s", to) : 0;
}

static int make_folder(const char *to, struct error *err)
{
	struct stat st;

	if (mkdir(to, 0755) == 0)
		return 0;
	if (errno != EEXIST || lstat(to, &st) < 0)
		return error_set_errno(err, errno, "cannot create %s", to);
	return S_ISDIR(st.st_mode) ? 0 : error_set(err, ERR_INVALID, "%s is no folder", to);
}

static int place_plain(const FTSENT *entry, const char *to, size_t *count, struct error *err)
{
	(void)count;
	switch (entry->fts_info) {
	case FTS_D: return make_folder(to, err);
	case FTS_SL:
	case FTS_SLNONE: return copy_link(entry, to, err);
	case FTS_F:
		if (link(entry->fts_accpath, to) == 0)
			return 0;
		if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP)
			return error_set_errno(err, errno, "cannot create %s", to);
		return file_copy_new(entry->fts_accpath, to, err);
	default:
		return error_set(err, ERR_INVALID, "%s is neither file, folder nor link",
				 entry->fts_path);
	}
}

static int same_contents(const char *a, const char *b, bool *ret, struct error *err)
{
	_cleanup_buf_ struct buf x = BUF_INIT(FILE_BYTES_MAX), y = BUF_INIT(FILE_BYTES_MAX);
	int r = file_read(a, &x, err);

	if (r == 0)
		r = file_read(b, &y, err);
	if (r == 0)
		*ret = x.len == y.len && (x.len == 0 || memcmp(x.data, y.data, x.len) == 0);
	return r;
}

static int place_over(const FTSENT *entry, const char *to, size_t *count, struct error *err)
{
	bool same = false;
	struct stat st;
	int r = 0;

	if (entry->fts_info == FTS_D)
		return make_folder(to, err);
	if (entry->fts_info != FTS_F)
		return 0;
	if (lstat(to, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return error_set(err, ERR_INVALID, "%s is no file", to);
		if (st.st_size == entry->fts_statp->st_size)
			r = same_contents(entry->fts_accpath, to, &same, err);
	}
	if (r < 0 || same)
		return r;
	++*count;
	return rename(entry->fts_accpath, to) < 0
		       ? error_set_errno(err, errno, "cannot replace %s", to)
		       : 0;
}

int laid_tree_make(const char *plain, const char *over, const char *dest, size_t *ret_laid,
		   struct error *err)
{
	size_t laid = 0;
	int r = mkdir(dest, 0755) < 0 ? error_set_errno(err, errno, "cannot create %s", dest) : 0;

	if (r == 0)
		r = walk(plain, dest, place_plain, &laid, err);
	if (r == 0)
		r = walk(over, dest, place_over, &laid, err);
	if (r == 0)
		*ret_laid = laid;
	return r;
}
