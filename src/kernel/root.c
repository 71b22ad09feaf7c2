/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/root.h"

#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "base/file.h"

int kernel_path(struct kernel_path *ret, const char *root, const char *format, ...)
{
	size_t n = strlen(root);
	va_list ap;
	int len;

	if (n >= sizeof(ret->s))
		return ERR_TOO_LARGE;
	memcpy(ret->s, root, n);
	va_start(ap, format);
	len = vsnprintf(ret->s + n, sizeof(ret->s) - n, format, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(ret->s) - n)
		return ERR_TOO_LARGE;
	return 0;
}

int kernel_memory_path(struct kernel_path *ret, const char *root, const char *name)
{
	struct statfs fs;
	int r = kernel_path(ret, root, KERNEL_SHOWN "/%s", name);

	/* Outside of the sandbox there is an empty file, onto which it mounts the real one. */
	if (r == 0 && statfs(ret->s, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	return kernel_path(ret, root, "/proc/%s", name);
}

int kernel_read_text(const char *root, const char *path, char *ret, size_t size, struct error *err)
{
	_cleanup_free_ char *line = NULL;
	struct kernel_path full;
	int r;

	r = kernel_path(&full, root, "%s", path);
	if (r < 0)
		return error_set(err, r, "%s%s: path too long", root, path);
	r = file_read_line(full.s, &line, err);
	if (r < 0)
		return r;
	if (strlen(line) >= size)
		return error_set(err, ERR_TOO_LARGE, "%s: longer than %zu bytes", full.s, size - 1);
	memcpy(ret, line, strlen(line) + 1);
	return 0;
}

int kernel_read_u64(const char *root, const char *path, uint64_t *ret, struct error *err)
{
	char text[32], *end;
	unsigned long long value;
	int r;

	r = kernel_read_text(root, path, text, sizeof(text), err);
	if (r < 0)
		return r;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != 0 || text[0] == '-')
		return error_set(err, ERR_INVALID, "%s%s: not a number: %s", root, path, text);
	*ret = value;
	return 0;
}
