/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/hash.h"

#define COPY_AT_ONCE  ((size_t)16 << 20)
#define STAGED_PREFIX ".new-"
#define STAGED_DIGITS 16

DEFINE_CLEANUP(DIR *, closedir);

/* A FIFO or a device could block or never end: only regular files, and what procfs and sysfs show
 * as such. */
static int check_regular(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID, "%s: not a regular file", path);
	return 0;
}

int file_read_fd(int fd, struct buf *out, struct error *err)
{
	for (;;) {
		/* One byte more than allowed tells "just full" from "too large". */
		uint8_t block[16 * 1024];
		size_t want = MIN(sizeof(block) - 1, out->max - out->len) + 1;
		ssize_t n = read(fd, block, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "read");
		if (n == 0)
			return 0;
		int r = buf_append(out, block, (size_t)n);
		/* It may be a key, which is not to stay on the stack. */
		explicit_bzero(block, (size_t)n);
		if (r == ERR_TOO_LARGE)
			return error_set(err, r, "more than %zu bytes", out->max);
		if (r < 0)
			return error_set(err, r, "no memory to read");
	}
}

static int read_opened(int fd, const char *path, struct buf *out, struct error *err)
{
	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	int r = check_regular(fd, path, err);
	if (r < 0)
		return r;
	r = file_read_fd(fd, out, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

int file_read(const char *path, struct buf *out, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return read_opened(fd, path, out, err);
}

int file_read_input(const char *name, struct buf *out, struct error *err)
{
	struct stat st;
	bool pipe = stat(name, &st) == 0 && S_ISFIFO(st.st_mode);

	if (streq(name, "-")) {
		int r = file_read_fd(STDIN_FILENO, out, err);

		return r < 0 ? error_prefix(err, r, "standard input") : 0;
	}
	if (!pipe)
		return file_read(name, out, err);

	/* Blocks until somebody writes, and ends when nobody does any more. */
	_cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "%s", name);

	int r = file_read_fd(fd, out, err);

	return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}

int file_read_at(int dir_fd, const char *name, struct buf *out, struct error *err)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	return read_opened(fd, name, out, err);
}

int file_read_line(const char *path, char **ret_line, struct error *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(4095);
	int r = file_read(path, &b, err);

	if (r < 0)
		return r;
	if (b.len > 0 && b.data[b.len - 1] == '\n')
		b.data[--b.len] = 0;
	char *line = (char *)buf_take(&b, NULL);
	if (!line)
		return error_set(err, ERR_NO_MEMORY, "%s: no memory", path);
	*ret_line = line;
	return 0;
}

int file_write_fd(int fd, const void *data, size_t len, struct error *err)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Opens the folder of `path`, which is also where its temporary file must live. */
static int open_parent(const char *path, struct error *err)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "%s: no memory", path);
	char *slash = strrchr(copy, '/');
	const char *dir = !slash ? "." : slash == copy ? "/" : copy;
	if (slash)
		*slash = '\0';
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, errno, "%s", *dir ? dir : "/");
	return fd;
}

/* Fills and syncs a new temporary file; the caller renames or removes it. */
static int write_temporary(int dir_fd, const char *temporary, const void *data, size_t len,
			   mode_t mode, struct error *err)
{
	_cleanup_close_ int fd = openat(dir_fd, temporary,
					O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set_errno(err, errno, "create");
	int r = file_write_fd(fd, data, len, err);
	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)
		return error_set_errno(err, errno, "chmod");
	if (fsync(fd) < 0)
		return error_set_errno(err, errno, "fsync");
	/* Some file systems report a full disk only here. */
	if (close(TAKE_FD(fd)) < 0)
		return error_set_errno(err, errno, "close");
	return 0;
}

/* A rename would put a file in the place of /dev/null, or of the link /dev/stdout. */
static int check_replaceable(int dir_fd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, 0) < 0 || S_ISREG(st.st_mode))
		return 0;
	return error_set(err, ERR_INVALID, "it is there and not a regular file");
}

int file_stage_at(int dir_fd, const void *data, size_t len, mode_t mode,
		  char ret_staged[static FILE_STAGED_MAX], struct error *err)
{
	char unique[STAGED_DIGITS + 1];
	uint8_t random[STAGED_DIGITS / 2];
	int r = random_bytes(random, sizeof(random), err);

	if (r < 0)
		return r;
	hex_encode(random, sizeof(random), unique);
	snprintf(ret_staged, FILE_STAGED_MAX, STAGED_PREFIX "%s", unique);
	r = write_temporary(dir_fd, ret_staged, data, len, mode, err);
	if (r < 0)
		unlinkat(dir_fd, ret_staged, 0);
	return r;
}

int file_commit_at(int dir_fd, const char *staged, const char *name, struct error *err)
{
	if (renameat(dir_fd, staged, dir_fd, name) < 0) {
		int r = error_set_errno(err, errno, "rename");

		unlinkat(dir_fd, staged, 0);
		return r;
	}
	if (fsync(dir_fd) < 0)
		return error_set_errno(err, errno, "sync of the folder");
	return 0;
}

/* `shown` is what messages call the file. */
static int replace(int dir_fd, const char *name, const char *shown, const void *data, size_t len,
		   mode_t mode, struct error *err)
{
	char staged[FILE_STAGED_MAX];
	int r = check_replaceable(dir_fd, name, err);

	if (r == 0)
		r = file_stage_at(dir_fd, data, len, mode, staged, err);
	if (r == 0)
		r = file_commit_at(dir_fd, staged, name, err);
	return r < 0 ? error_prefix(err, r, "cannot write %s", shown) : 0;
}

int file_write_atomic_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
			 struct error *err)
{
	return replace(dir_fd, name, name, data, len, mode, err);
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
		      struct error *err)
{
	_cleanup_close_ int dir_fd = open_parent(path, err);

	if (dir_fd < 0)
		return error_prefix(err, dir_fd, "cannot write %s", path);
	return replace(dir_fd, path_base(path), path, data, len, mode, err);
}

int file_write_sysfs(const char *path, const char *value, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	if (write(fd, value, strlen(value)) < 0)
		return error_set_errno(err, errno, "%s", path);
	return 0;
}

bool file_is_leftover(const char *name)
{
	return str_has_prefix(name, STAGED_PREFIX) &&
	       hex_is_lower(name + strlen(STAGED_PREFIX), STAGED_DIGITS);
}

int file_remove_matching(int dir_fd, bool (*matches)(const char *name), struct error *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool removed = false;

	if (!dir) {
		int r = error_set_errno(err, errno, "cannot list a folder");

		closep(&fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		if (!(matches ? matches : file_is_leftover)(entry->d_name))
			continue;
		if (unlinkat(dir_fd, entry->d_name, 0) < 0 && errno != ENOENT)
			return error_set_errno(err, errno, "cannot remove %s", entry->d_name);
		removed = true;
	}
	if (removed && fsync(dir_fd) < 0)
		return error_set_errno(err, errno, "cannot sync a folder");
	return 0;
}

int file_remove_leftovers(const char *folder, struct error *err)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", folder);
	r = file_remove_matching(fd, NULL, err);
	return r < 0 ? error_prefix(err, r, "%s", folder) : 0;
}

/* One folder, which is there after a power cut too; 0 also when it was there already. */
static int make_dir(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0
				       : error_set_errno(err, errno, "cannot make folder %s", path);

	_cleanup_close_ int parent = open_parent(path, err);

	if (parent < 0)
		return parent;
	return fsync(parent) < 0 ? error_set_errno(err, errno, "cannot sync the folder of %s", path)
				 : 0;
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "%s: no memory", path);
	if (!*path)
		return error_set(err, -ENOENT, "the name of a folder is empty");
	for (char *p = copy + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char end = *p;
		*p = '\0';
		int r = make_dir(copy, mode, err);

		if (r < 0)
			return r;
		if (end == '\0')
			break;
		*p = '/';
	}
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "%s: not a folder", path);
	return 0;
}

int file_write_below(const char *dir, const char *path, const void *data, size_t len, mode_t mode,
		     struct error *err)
{
	_cleanup_free_ char *full = path_join(dir, path, NULL);
	_cleanup_free_ char *folder = full ? strdup(full) : NULL;
	int r;

	if (!folder)
		return error_set(err, ERR_NO_MEMORY, "%s: no memory", path);
	*strrchr(folder, '/') = '\0';
	r = file_make_dirs(folder, 0755, err);
	return r < 0 ? r : file_write_atomic(full, data, len, mode, err);
}

/* Removes what is below an open folder; `device` keeps it on one file system. */
static int remove_children(int dir_fd, dev_t device, unsigned int depth, struct error *err)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	struct dirent *entry;
	struct stat st;

	if (depth > 256)
		return error_set(err, ERR_TOO_LARGE, "folders nested too deep");
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		if (copy >= 0)
			close(copy);
		return error_set_errno(err, errno, "cannot list a folder");
	}
	while ((entry = readdir(dir))) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_set_errno(err, errno, "%s", entry->d_name);
		if (S_ISDIR(st.st_mode)) {
			_cleanup_close_ int fd =
				openat(dir_fd, entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd < 0)
				return error_set_errno(err, errno, "%s", entry->d_name);
			if (st.st_dev != device)
				return error_set(err, -EXDEV, "%s is a mount point", entry->d_name);
			int r = remove_children(fd, device, depth + 1, err);
			if (r < 0)
				return r;
		}
		if (unlinkat(dir_fd, entry->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0)
			return error_set_errno(err, errno, "%s", entry->d_name);
	}
	return 0;
}

int file_remove_tree(const char *path, struct error *err)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot remove %s", path);
	int r = remove_children(fd, st.st_dev, 0, err);
	if (r < 0)
		return error_prefix(err, r, "cannot remove %s", path);
	if (rmdir(path) < 0)
		return error_set_errno(err, errno, "cannot remove %s", path);
	return 0;
}

int file_replace_tree(const char *from, const char *to, struct error *err)
{
	_cleanup_close_ int dir_fd = open_parent(to, err);
	bool there = file_exists(to);

	if (dir_fd < 0)
		return error_prefix(err, dir_fd, "cannot replace %s", to);
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, there ? RENAME_EXCHANGE : 0) < 0)
		return error_set_errno(err, errno, "cannot replace %s", to);
	(void)fsync(dir_fd);
	if (there)
		(void)file_remove_tree(from, NULL);
	return 0;
}

int file_copy(const char *from, const char *to, mode_t mode, struct error *err)
{
	_cleanup_buf_ struct buf content = BUF_INIT(SIZE_MAX / 4);
	int r = file_read(from, &content, err);

	return r < 0 ? r : file_write_atomic(to, buf_str(&content), content.len, mode, err);
}

int file_copy_new(const char *from, const char *to, struct error *err)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), out = -1;
	struct stat st;
	ssize_t n;

	if (in < 0 || fstat(in, &st) < 0)
		return error_set_errno(err, errno, "cannot open %s", from);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID, "%s: not a regular file", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
	if (out < 0)
		return error_set_errno(err, errno, "cannot create %s", to);
	do
		n = sendfile(out, in, NULL, COPY_AT_ONCE);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? error_set_errno(err, errno, "cannot copy %s to %s", from, to) : 0;
}

int file_remove(const char *path, struct error *err)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set_errno(err, errno, "cannot remove %s", path);

	_cleanup_close_ int dir_fd = open_parent(path, NULL);
	if (dir_fd >= 0 && fsync(dir_fd) < 0)
		return error_set_errno(err, errno, "cannot sync the folder of %s", path);
	return 0;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

char *path_join(const char *first, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64 * 1024);
	va_list ap;
	int r = buf_append_str(&b, first);

	va_start(ap, first);
	for (const char *part = va_arg(ap, const char *); part && r == 0;
	     part = va_arg(ap, const char *)) {
		while (*part == '/')
			part++;
		if (b.len == 0 || b.data[b.len - 1] != '/')
			r = buf_append_byte(&b, '/');
		if (r == 0)
			r = buf_append_str(&b, part);
	}
	va_end(ap);
	return r < 0 ? NULL : (char *)buf_take(&b, NULL);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_is_safe_relative(const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (const char *part = path; part;) {
		const char *end = strchrnul(part, '/');
		size_t len = (size_t)(end - part);

		if (len == 0 || (len == 1 && part[0] == '.') ||
		    (len == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)part[i] < 0x20 || part[i] == 0x7f)
				return false;
		part = *end ? end + 1 : NULL;
	}
	return true;
}
