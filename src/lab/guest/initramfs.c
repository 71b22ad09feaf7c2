// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <uthash.h>

#include "base/file.h"
#include "lab/guest/path_list.h"
#include "lab/guest/shared_objects.h"

DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);
#define _cleanup_entry_ _cleanup_(archive_entry_freep)

struct entry {
	char *path;
	UT_hash_handle hh;
};

struct initramfs {
	struct archive *archive;
	struct entry *seen;
	char *file;
	bool finished;
};

static int fail(struct initramfs *fs, const char *what, struct error *err)
{
	const char *why = fs->archive ? archive_error_string(fs->archive) : NULL;

	return error_set(err, ERR_INVALID, "initramfs: %s: %s", what, why ? why : "out of memory");
}

int initramfs_create(const char *path, enum initramfs_compression compression,
		     struct initramfs **ret, struct error *err)
{
	_cleanup_(initramfs_freep) struct initramfs *fs = calloc(1, sizeof(*fs));
	int r = ARCHIVE_OK;

	if (!fs || !(fs->file = strdup(path)) || !(fs->archive = archive_write_new()))
		return error_set(err, ERR_NO_MEMORY, "initramfs");
	if (compression == INITRAMFS_GZIP)
		r = archive_write_add_filter_gzip(fs->archive);
	else if (compression == INITRAMFS_ZSTD)
		r = archive_write_add_filter_zstd(fs->archive);
	if (r == ARCHIVE_OK && compression != INITRAMFS_PLAIN)
		r = archive_write_set_filter_option(fs->archive, NULL, "compression-level", "1");
	if (r == ARCHIVE_OK)
		r = archive_write_set_format_cpio_newc(fs->archive);
	if (r == ARCHIVE_OK)
		r = archive_write_open_filename(fs->archive, path);
	if (r != ARCHIVE_OK)
		return fail(fs, path, err);
	*ret = TAKE_PTR(fs);
	return 0;
}

int initramfs_finish(struct initramfs *fs, struct error *err)
{
	if (archive_write_close(fs->archive) != ARCHIVE_OK)
		return fail(fs, fs->file, err);
	fs->finished = true;
	return 0;
}

void initramfs_free(struct initramfs *fs)
{
	struct entry *e, *next;

	if (!fs)
		return;
	if (fs->archive)
		archive_write_free(fs->archive);
	if (fs->file && !fs->finished)
		unlink(fs->file);
	HASH_ITER (hh, fs->seen, e, next) {
		HASH_DEL(fs->seen, e);
		free(e->path);
		free(e);
	}
	free(fs->file);
	free(fs);
}

/* 1 if the path is new, 0 if it is in the archive already. */
static int remember(struct initramfs *fs, const char *path, struct error *err)
{
	struct entry *e = NULL;

	HASH_FIND_STR(fs->seen, path, e);
	if (e)
		return 0;
	if (HASH_COUNT(fs->seen) >= INITRAMFS_ENTRY_MAX)
		return error_set(err, ERR_TOO_LARGE, "initramfs: more than %d entries",
				 INITRAMFS_ENTRY_MAX);
	e = calloc(1, sizeof(*e));
	if (!e || !(e->path = strdup(path))) {
		free(e);
		return error_set(err, ERR_NO_MEMORY, "initramfs");
	}
	HASH_ADD_KEYPTR(hh, fs->seen, e->path, strlen(e->path), e);
	return 1;
}

static int add_parents(struct initramfs *fs, const char *path, struct error *err)
{
	_cleanup_free_ char *parent = strdup(path);
	int r = 0;

	if (!parent)
		return error_set(err, ERR_NO_MEMORY, "initramfs");
	for (char *p = strchr(parent + 1, '/'); p && r == 0; p = strchr(p + 1, '/')) {
		*p = 0;
		r = initramfs_add_dir(fs, parent, 0755, err);
		*p = '/';
	}
	return r;
}

/* Begins an entry: 1 if it is to be written, 0 if there is one of that name. */
static int begin(struct initramfs *fs, const char *path, mode_t mode, struct archive_entry **ret,
		 struct error *err)
{
	if (path[0] != '/' || !path_is_safe_relative(path + 1) || strlen(path) >= PATH_MAX)
		return error_set(err, ERR_INVALID, "initramfs: %s: not an absolute, plain path",
				 path);
	int r = add_parents(fs, path, err);

	if (r == 0)
		r = remember(fs, path, err);
	if (r <= 0)
		return r;
	_cleanup_entry_ struct archive_entry *e = archive_entry_new();

	if (!e)
		return error_set(err, ERR_NO_MEMORY, "initramfs");
	archive_entry_set_pathname(e, path + 1);
	archive_entry_set_mode(e, mode);
	archive_entry_set_nlink(e, S_ISDIR(mode) ? 2 : 1);
	archive_entry_set_ino(e, HASH_COUNT(fs->seen));
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_size(e, 0);
	*ret = TAKE_PTR(e);
	return 1;
}

static int write_header(struct initramfs *fs, struct archive_entry *e, struct error *err)
{
	return archive_write_header(fs->archive, e) == ARCHIVE_OK
		       ? 0
		       : fail(fs, archive_entry_pathname(e), err);
}

int initramfs_add_dir(struct initramfs *fs, const char *path, mode_t mode, struct error *err)
{
	_cleanup_entry_ struct archive_entry *e = NULL;
	int r = begin(fs, path, S_IFDIR | mode, &e, err);

	return r <= 0 ? r : write_header(fs, e, err);
}

static int write_data(struct initramfs *fs, const char *path, const void *data, size_t len,
		      struct error *err)
{
	return len == 0 || archive_write_data(fs->archive, data, len) == (la_ssize_t)len
		       ? 0
		       : fail(fs, path, err);
}

int initramfs_add_bytes(struct initramfs *fs, const char *path, mode_t mode, const void *data,
			size_t len, struct error *err)
{
	_cleanup_entry_ struct archive_entry *e = NULL;

	if (len > INITRAMFS_FILE_MAX)
		return error_set(err, ERR_TOO_LARGE, "initramfs: %s: too large", path);
	int r = begin(fs, path, S_IFREG | mode, &e, err);

	if (r <= 0)
		return r;
	archive_entry_set_size(e, (la_int64_t)len);
	r = write_header(fs, e, err);
	return r < 0 ? r : write_data(fs, path, data, len, err);
}

int initramfs_add_file(struct initramfs *fs, const char *path, mode_t mode, const char *host_path,
		       struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(INITRAMFS_FILE_MAX);
	struct stat st;

	if (stat(host_path, &st) < 0)
		return error_set_errno(err, errno, "%s", host_path);
	int r = file_read(host_path, &data, err);

	return r < 0 ? r
		     : initramfs_add_bytes(fs, path, mode ? mode : st.st_mode & 07777, data.data,
					   data.len, err);
}

int initramfs_add_link(struct initramfs *fs, const char *path, const char *target,
		       struct error *err)
{
	_cleanup_entry_ struct archive_entry *e = NULL;
	int r = begin(fs, path, S_IFLNK | 0777, &e, err);

	if (r <= 0)
		return r;
	archive_entry_set_symlink(e, target);
	return write_header(fs, e, err);
}

int initramfs_add_device(struct initramfs *fs, const char *path, mode_t mode, unsigned major,
			 unsigned minor, struct error *err)
{
	_cleanup_entry_ struct archive_entry *e = NULL;
	int r = begin(fs, path, S_IFCHR | mode, &e, err);

	if (r <= 0)
		return r;
	archive_entry_set_rdev(e, makedev(major, minor));
	return write_header(fs, e, err);
}

int initramfs_add_program(struct initramfs *fs, const char *path, const char *host_path,
			  struct error *err)
{
	_cleanup_paths_ struct path_list libraries = { 0 };
	int r = shared_objects_of(host_path, &libraries, err);

	if (r == 0)
		r = initramfs_add_file(fs, path, 0755, host_path, err);
	for (size_t i = 0; r == 0 && i < libraries.n; i++)
		r = initramfs_add_file(fs, libraries.items[i], 0755, libraries.items[i], err);
	return r;
}
