/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "package/unxz.h"

#define READ_SIZE (256 * 1024)

DEFINE_CLEANUP(struct archive *, archive_read_free);
#define _cleanup_archive_ _cleanup_(archive_read_freep)

struct unpacker {
	const struct unpack_options *options;
	const char *archive; /* its path, for messages */
	int root;            /* the destination */
	int parent;          /* the folder of the last file, or -1 */
	char parent_path[PATH_MAX];
	uint64_t bytes;
	size_t entries;
};

static int bad_entry(const struct unpacker *u, const char *name, const char *why, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s: entry '%s' %s", u->archive, name, why);
}

static int read_error(struct archive *a, const char *path, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s: not readable as an archive: %s", path,
			 archive_error_string(a) ? archive_error_string(a) : "damaged");
}

/* Opens a folder below the destination, never through a symbolic link. */
static int open_below(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Makes `path` and every folder above it. */
static int make_folder(int root, const char *path)
{
	int fd = open_below(root, path);

	if (fd != -ENOENT)
		return fd;

	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *up = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");

	if (!up)
		return ERR_NO_MEMORY;

	_cleanup_close_ int parent = slash ? make_folder(root, up) : open_below(root, up);

	if (parent < 0)
		return parent;
	if (mkdirat(parent, path_base(path), 0755) < 0 && errno != EEXIST)
		return -errno;
	return open_below(root, path);
}

static int enter_parent(struct unpacker *u, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 1;
	char folder[PATH_MAX];

	memcpy(folder, slash ? path : ".", len);
	folder[len] = '\0';
	if (u->parent >= 0 && streq(folder, u->parent_path))
		return 0;
	closep(&u->parent);
	u->parent = slash ? make_folder(u->root, folder) : open_below(u->root, folder);
	if (u->parent < 0) {
		int r = u->parent;

		u->parent = -1;
		return error_set_errno(err, r <= -1000 ? ENOMEM : -r, "%s: cannot make folder '%s'",
				       u->archive, folder);
	}
	memcpy(u->parent_path, folder, len + 1);
	return 0;
}

static int write_file(struct unpacker *u, struct archive *a, struct archive_entry *entry,
		      const char *name, const char *dest, struct error *err)
{
	mode_t mode = archive_entry_perm(entry) & 0100 ? 0755 : 0644;
	_cleanup_close_ int fd = openat(u->parent, path_base(dest),
					O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return errno == EEXIST ? bad_entry(u, name, "appears twice", err)
				       : error_set_errno(err, errno, "cannot create %s", dest);

	uint64_t written = 0;

	for (;;) {
		const void *block;
		size_t len;
		la_int64_t offset;
		int r = archive_read_data_block(a, &block, &len, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_OK)
			return read_error(a, u->archive, err);
		if (offset < 0 || (uint64_t)offset != written)
			return bad_entry(u, name, "is a sparse file", err);
		written += len;
		u->bytes += len;
		if (written > UNPACK_FILE_MAX || u->bytes > UNPACK_BYTES_MAX)
			return error_set(err, ERR_TOO_LARGE, "%s: unpacks to more than allowed",
					 u->archive);
		r = file_write_fd(fd, block, len, err);
		if (r < 0)
			return error_prefix(err, r, "cannot write %s", dest);
	}
}

/* True if a link at `path` that says `target` stays inside the destination. */
static bool link_stays_inside(const char *path, const char *target)
{
	long depth = 0;

	if (target[0] == '/' || target[0] == '\0')
		return false;
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	for (const char *p = target; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			if (--depth < 0)
				return false;
		} else if (len > 0 && !(len == 1 && p[0] == '.')) {
			depth++;
		}
		p += len;
		p += *p == '/';
	}
	return true;
}

static int write_link(struct unpacker *u, struct archive_entry *entry, const char *name,
		      const char *dest, struct error *err)
{
	const char *target = archive_entry_symlink(entry);

	if (!target || !link_stays_inside(dest, target))
		return bad_entry(u, name, "is a link that leads outside", err);
	if (symlinkat(target, u->parent, path_base(dest)) < 0)
		return errno == EEXIST ? bad_entry(u, name, "appears twice", err)
				       : error_set_errno(err, errno, "cannot create %s", dest);
	return 0;
}

static int write_entry(struct unpacker *u, struct archive *a, struct archive_entry *entry,
		       const char *name, const char *dest, struct error *err)
{
	int r = enter_parent(u, dest, err);

	if (r < 0)
		return r;
	if (archive_entry_hardlink(entry))
		return bad_entry(u, name, "is a hard link", err);
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		if (mkdirat(u->parent, path_base(dest), 0755) < 0 && errno != EEXIST)
			return error_set_errno(err, errno, "cannot create %s", dest);
		return 0;
	case AE_IFREG: return write_file(u, a, entry, name, dest, err);
	case AE_IFLNK: return write_link(u, entry, name, dest, err);
	default: return bad_entry(u, name, "is neither file, folder nor link", err);
	}
}

/* The entry's path without "./" in front and '/' behind; "" for the root itself. */
static int clean_name(const struct unpacker *u, struct archive_entry *entry,
		      char name[static PATH_MAX], struct error *err)
{
	const char *raw = archive_entry_pathname(entry);

	if (!raw || strlen(raw) >= PATH_MAX)
		return bad_entry(u, "?", "has no usable name", err);
	while (str_has_prefix(raw, "./"))
		raw += 2;

	size_t len = strlen(raw);

	while (len > 0 && raw[len - 1] == '/')
		len--;
	if (len == 1 && raw[0] == '.')
		len = 0;
	memcpy(name, raw, len);
	name[len] = '\0';
	if (len > 0 && !path_is_safe_relative(name))
		return bad_entry(u, raw, "has an unsafe name", err);
	return 0;
}

static int unpack_all(struct unpacker *u, struct archive *a, struct error *err)
{
	struct archive_entry *entry;
	int r;

	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		char name[PATH_MAX], dest[PATH_MAX];

		if (++u->entries > UNPACK_ENTRIES_MAX)
			return error_set(err, ERR_TOO_LARGE, "%s: too many entries", u->archive);
		r = clean_name(u, entry, name, err);
		if (r < 0)
			return r;
		if (name[0] == '\0')
			continue;
		if (!u->options->map)
			memcpy(dest, name, strlen(name) + 1);
		else if (!u->options->map(u->options->user, name, dest))
			continue;
		if (!path_is_safe_relative(dest))
			return bad_entry(u, name, "has an unsafe destination", err);
		r = write_entry(u, a, entry, name, dest, err);
		if (r < 0)
			return r;
	}
	return r == ARCHIVE_EOF ? 0 : read_error(a, u->archive, err);
}

static int unpack_into(struct archive *a, const char *path, const struct unpack_options *options,
		       struct error *err)
{
	_cleanup_close_ int root = open(options->dest, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_set_errno(err, errno, "cannot open %s", options->dest);

	struct unpacker *u = malloc(sizeof(*u));

	if (!u)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*u = (struct unpacker){ .options = options, .archive = path, .root = root, .parent = -1 };

	int r = unpack_all(u, a, err);

	closep(&u->parent);
	free(u);
	return r;
}

/* The packed tar file: a file of its own, or the data part of a .deb, read through its ar reader.
 */
struct packed {
	int fd;                /* -1: read `outer` */
	struct archive *outer; /* not owned */
	struct unxz *unxz;     /* NULL: libarchive unpacks it */
	uint8_t block[READ_SIZE];
};

static void packed_free(struct packed *p)
{
	if (!p)
		return;
	unxz_free(p->unxz);
	closep(&p->fd);
	free(p);
}
DEFINE_CLEANUP(struct packed *, packed_free);

static struct packed *packed_new(void)
{
	struct packed *p = malloc(sizeof(*p));

	if (p) {
		p->fd = -1;
		p->outer = NULL;
		p->unxz = NULL;
	}
	return p;
}

static ssize_t read_packed(void *user, void *bytes, size_t size)
{
	struct packed *p = user;

	if (p->outer)
		return archive_read_data(p->outer, bytes, size);
	for (;;) {
		ssize_t n = read(p->fd, bytes, size);

		if (n >= 0 || errno != EINTR)
			return n;
	}
}

static la_ssize_t read_block(struct archive *inner, void *user, const void **block)
{
	struct packed *p = user;
	const char *why = p->outer ? archive_error_string(p->outer) : "it cannot be read";
	la_ssize_t n;

	*block = p->block;
	n = p->unxz ? unxz_read(p->unxz, block, &why) : read_packed(p, p->block, sizeof(p->block));
	if (n < 0)
		archive_set_error(inner, EIO, "%s", why ? why : "the package is damaged");
	return n;
}

static int unpack_packed(struct packed *p, bool xz, const char *path,
			 const struct unpack_options *options, struct error *err)
{
	_cleanup_archive_ struct archive *a = archive_read_new();

	if (!a || (xz && unxz_new(read_packed, p, &p->unxz) < 0))
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	archive_read_support_format_tar(a);
	archive_read_support_filter_all(a);
	if (archive_read_open(a, p, NULL, read_block, NULL) != ARCHIVE_OK)
		return read_error(a, path, err);
	return unpack_into(a, path, options, err);
}

int unpack_tar(const char *path, const struct unpack_options *options, struct error *err)
{
	_cleanup_(packed_freep) struct packed *p = packed_new();
	char magic[UNXZ_MAGIC_LEN];

	if (!p)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (p->fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);

	bool xz = pread(p->fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
		  memcmp(magic, UNXZ_MAGIC, sizeof(magic)) == 0;

	return unpack_packed(p, xz, path, options, err);
}

/* A part of a .deb, named for how it is packed. */
static int unpack_part(struct archive *outer, const char *name, const char *path,
		       const struct unpack_options *options, struct error *err)
{
	_cleanup_(packed_freep) struct packed *p = packed_new();

	if (!p)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	p->outer = outer;
	return unpack_packed(p, str_has_suffix(name, ".xz"), path, options, err);
}

int unpack_deb(const char *path, const struct unpack_options *options, struct error *err)
{
	_cleanup_archive_ struct archive *a = archive_read_new();
	struct archive_entry *entry;
	const char *part = options->control ? "control.tar" : "data.tar";

	if (!a)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	archive_read_support_format_ar(a);
	if (archive_read_open_filename(a, path, READ_SIZE) != ARCHIVE_OK)
		return read_error(a, path, err);
	for (size_t i = 0; i < 16; i++) {
		int r = archive_read_next_header(a, &entry);

		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return read_error(a, path, err);

		const char *name = archive_entry_pathname(entry);

		if (name && str_has_prefix(name, part))
			return unpack_part(a, name, path, options, err);
	}
	return error_set(err, ERR_INVALID, "%s: not a Debian package: it has no %s", path, part);
}
