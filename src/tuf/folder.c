/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A repository in a local folder, read through the client's callback. */
#include "base/file.h"
#include "tuf/client.h"

/* Opens `path` below a folder, one part at a time, so that no part can be a symbolic link. */
static int open_below(int dir_fd, const char *path, int *ret_fd)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	char *part = copy;

	if (!copy || fd < 0)
		return ERR_NO_MEMORY;
	for (;;) {
		char *slash = strchr(part, '/');
		int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
		int next;

		if (slash)
			*slash = '\0';
		next = openat(fd, part, slash ? flags | O_DIRECTORY : flags);
		if (next < 0)
			return -errno;
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
	if (r < 0)
		return error_set_errno(err, -r, "%s", path);
	r = file_read_fd(fd, &content, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	r = buf_append(out, content.data, content.len);
	return r < 0 ? error_set(err, r, "%s: no room", path) : 0;
}
