/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A repository in a local folder, read through the client's callback. */
#include <sys/stat.h>

#include "base/file.h"
#include "tuf/client.h"

/*
 * Opens a folder, or else a regular file. The look before it keeps a device from being opened at
 * all, since that alone can do things; the one behind it is for what was changed in between.
 */
static int open_part(int dir_fd, const char *name, bool folder, int *ret_fd)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
		return folder ? -ENOTDIR : ERR_INVALID;
	fd = openat(dir_fd, name, folder ? flags | O_DIRECTORY : flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!folder && !S_ISREG(st.st_mode))
		return ERR_INVALID;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * Opens a regular file `path` below a folder, one part at a time, so that no part can be a symbolic
 * link. ERR_INVALID: neither that nor missing.
 */
static int open_below(int dir_fd, const char *path, int *ret_fd)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	char *part = copy;

	if (!copy || fd < 0)
		return ERR_NO_MEMORY;
	for (;;) {
		char *slash = strchr(part, '/');
		int next = -1, r;

		if (slash)
			*slash = '\0';
		r = open_part(fd, part, slash != NULL, &next);
		if (r < 0)
			return r;
		close(fd);
		fd = next;
		if (!slash)
			break;
		part = slash + 1;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int tuf_fetch_folder(void *user, const char *path, size_t max, struct buf *out, struct error *err)
{
	_cleanup_close_ int dir_fd = open(user, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf content = BUF_INIT(max);
	int r;

	if (dir_fd < 0)
		return error_set_errno(err, errno, "%s", (const char *)user);
	if (!path_is_safe_relative(path))
		return error_set(err, ERR_INVALID, "%s: not a path below the repository", path);
	r = open_below(dir_fd, path, &fd);
	if (r == -ENOENT || r == -ENOTDIR)
		return error_set(err, ERR_NOT_FOUND, "%s: not in the repository", path);
	if (r == ERR_INVALID)
		return error_set(err, r, "%s: not a regular file", path);
	if (r == ERR_NO_MEMORY)
		return error_set(err, r, "%s: out of memory", path);
	if (r < 0)
		return error_set_errno(err, -r, "%s", path);
	r = file_read_fd(fd, &content, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	r = buf_append(out, content.data, content.len);
	return r < 0 ? error_set(err, r, "%s: no room", path) : 0;
}
