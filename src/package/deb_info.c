/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/deb_info.h"

#include <stdio.h>

#include "base/file.h"
#include "base/scratch.h"
#include "package/unpack.h"

#define CONTROL_MAX (1024 * 1024)

/* The value of a field whose name stands at the beginning of a line. */
static bool read_field(const char *control, const char *name, char ret[static DEB_WORD_MAX])
{
	size_t len = strlen(name);

	for (const char *line = control; *line;) {
		size_t end = strcspn(line, "\n");

		if (end > len && strncmp(line, name, len) == 0 && line[len] == ':') {
			const char *value = line + len + 1 + strspn(line + len + 1, " \t");
			size_t n = strcspn(value, " \t\r\n");

			if (n == 0 || n >= DEB_WORD_MAX)
				return false;
			memcpy(ret, value, n);
			ret[n] = '\0';
			return true;
		}
		line += end + (line[end] == '\n');
	}
	return false;
}

int deb_info_parse(const char *control, struct deb_info *ret)
{
	struct deb_info info;

	if (!read_field(control, "Package", info.package) ||
	    !read_field(control, "Version", info.version) ||
	    !read_field(control, "Architecture", info.architecture))
		return ERR_INVALID;
	*ret = info;
	return 0;
}

int deb_is_package(const char *path, bool *ret, struct error *err)
{
	static const char magic[] = "!<arch>\n";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char first[sizeof(magic) - 1];

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	*ret = pread(fd, first, sizeof(first), 0) == (ssize_t)sizeof(first) &&
	       memcmp(first, magic, sizeof(first)) == 0;
	return 0;
}

static bool map_control(void *user, const char *name, char dest[static PATH_MAX])
{
	(void)user;
	if (!streq(name, "control"))
		return false;
	snprintf(dest, PATH_MAX, "control");
	return true;
}

int deb_info_read(const char *path, struct deb_info *ret, struct error *err)
{
	_cleanup_scratch_ struct scratch *scratch = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(CONTROL_MAX);
	_cleanup_free_ char *control = NULL;
	struct unpack_options options = { .map = map_control, .control = true };
	int r = scratch_new(&scratch, err);

	if (r < 0)
		return r;
	options.dest = scratch_path(scratch);
	control = path_join(options.dest, "control", NULL);
	r = control ? unpack_deb(path, &options, err)
		    : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = file_read(control, &text, err);
	if (r < 0)
		return r;
	r = deb_info_parse(buf_str(&text), ret);
	return r < 0 ? error_set(err, r, "%s: not a Debian package: its control part is damaged",
				 path)
		     : 0;
}
