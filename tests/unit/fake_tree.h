/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a fake machine below a test's own folder: what stands for /proc, /sys and others. */
#pragma once

#include "unit.h"

/* Writes a file below `root`, with the folders above it. */
static inline void put(const char *root, const char *path, const void *data, size_t len)
{
	_cleanup_free_ char *full = path_join(root, path, NULL);
	_cleanup_free_ char *folder = strdup(full);
	struct error err = { 0 };

	*strrchr(folder, '/') = 0;
	assert_ok(file_make_dirs(folder, 0755, &err), &err);
	assert_ok(file_write_atomic(full, data, len, 0644, &err), &err);
}

static inline void put_text(const char *root, const char *path, const char *text)
{
	put(root, path, text, strlen(text));
}

/* A symbolic link below `root`, in the place of one that is there. */
static inline void put_link(const char *root, const char *path, const char *target)
{
	_cleanup_free_ char *full = path_join(root, path, NULL);

	put_text(root, path, "");
	assert_int_equal(unlink(full), 0);
	assert_int_equal(symlink(target, full), 0);
}

/* Removes a file, or a folder with all in it. */
static inline void take_away(const char *root, const char *path)
{
	_cleanup_free_ char *full = path_join(root, path, NULL);
	struct error err = { 0 };

	if (unlink(full) < 0)
		assert_ok(file_remove_tree(full, &err), &err);
}
