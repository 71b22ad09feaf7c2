/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/build_config.h"

#include <stdio.h>
#include <zlib.h>

#include "base/file.h"
#include "kernel/root.h"

/* zlib reads a file that is not compressed as it is. */
static int read_unpacked(const char *path, struct buf *out, struct error *err)
{
	gzFile file = gzopen(path, "rbe");
	uint8_t part[16384];
	int n, r = 0;

	if (!file)
		return error_set_errno(err, errno ? errno : ENOMEM, "%s", path);
	while (r == 0 && (n = gzread(file, part, sizeof(part))) > 0)
		r = buf_append(out, part, (size_t)n);
	if (r < 0)
		error_set(err, r, "%s: too large", path);
	else if (n < 0)
		r = error_set(err, ERR_INVALID, "%s: not as gzip writes it", path);
	gzclose(file);
	return r;
}

static int read_config(const char *root, const char *release, struct buf *out, struct error *err)
{
	struct kernel_path path;
	int r;

	if (kernel_path(&path, root, "/proc/config.gz") == 0 && file_exists(path.s))
		return read_unpacked(path.s, out, err);
	r = kernel_path(&path, root, "/boot/config-%s", release);
	if (r == 0 && file_exists(path.s))
		return read_unpacked(path.s, out, err);
	return error_set(err, ERR_NOT_FOUND, "neither /proc/config.gz nor /boot/config-%s is there",
			 release);
}

/* Is there a line "NAME=y"? */
static bool is_set(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += len)
		if ((at == text || at[-1] == '\n') && str_has_prefix(at + len, "=y") &&
		    (at[len + 2] == '\n' || !at[len + 2]))
			return true;
	return false;
}

int kernel_build_config_ask(const char *root, const char *release, struct kernel_option *options,
			    size_t n, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(KERNEL_BUILD_CONFIG_MAX);
	int r = strchr(release, '/') ? ERR_INVALID : read_config(root, release, &text, err);

	for (size_t i = 0; i < n; i++)
		options[i].answer = r < 0                                     ? KERNEL_UNKNOWN
				    : is_set(buf_str(&text), options[i].name) ? KERNEL_YES
									      : KERNEL_NO;
	return r;
}

int kernel_vermagic(const char *root, const char *release, char *ret, size_t size,
		    struct error *err)
{
	struct kernel_option options[] = {
		{ .name = "CONFIG_SMP" },         { .name = "CONFIG_PREEMPT_BUILD" },
		{ .name = "CONFIG_PREEMPT_RT" },  { .name = "CONFIG_MODULE_UNLOAD" },
		{ .name = "CONFIG_MODVERSIONS" }, { .name = "CONFIG_RANDSTRUCT" },
	};
	bool set[ARRAY_SIZE(options)];
	int r = kernel_build_config_ask(root, release, options, ARRAY_SIZE(options), err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		set[i] = options[i].answer == KERNEL_YES;
	if (set[5])
		return error_set(err, ERR_UNSUPPORTED, "structures are randomised (RANDSTRUCT)");
	snprintf(ret, size, "%s %s%s%s%s", release, set[0] ? "SMP " : "",
		 set[1]   ? "preempt "
		 : set[2] ? "preempt_rt "
			  : "",
		 set[3] ? "mod_unload " : "", set[4] ? "modversions " : "");
	return 0;
}
