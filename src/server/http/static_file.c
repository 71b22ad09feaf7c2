/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http/static_file.h"

#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"

static bool never_changes(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	size_t hex = strspn(name, "0123456789abcdef");

	return (digits > 0 && digits < 10 && name[digits] == '.') ||
	       (hex == SHA256_HEX_LEN && name[hex] == '.');
}

/* The kernel itself keeps the look-up below the folder (openat2(2)), whatever changes meanwhile. */
static int open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

static bool etag_fits(const char *header, const char *etag)
{
	return header && (streq(header, "*") || strstr(header, etag));
}

int static_file_answer(int dir_fd, const char *path, const char *if_none_match,
		       struct http_response *response, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!path_is_safe_relative(path))
		return error_set(err, ERR_NOT_FOUND, "there is no such file");
	fd = open_beneath(dir_fd, path);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERR_NOT_FOUND, "there is no such file");
	snprintf(response->etag, sizeof(response->etag), "\"%llx-%llx-%llx%lx\"",
		 (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
		 (unsigned long long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec);
	response->cache_control =
		never_changes(path_base(path)) ? "public, max-age=31536000, immutable" : "no-cache";
	response->content_type =
		str_has_suffix(path, ".json") ? HTTP_JSON : "application/octet-stream";
	if (etag_fits(if_none_match, response->etag)) {
		response->status = 304;
		return 0;
	}
	response->fd = TAKE_FD(fd);
	response->size = (uint64_t)st.st_size;
	return 0;
}
