/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/unfinished.h"

#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "repo/key_store.h"

DEFINE_CLEANUP(DIR *, closedir);

int unfinished_add(struct buf *list, const char *key_id, const char *path, struct error *err)
{
	int r = buf_printf(list, "%s %s\n", key_id, path);

	return r < 0 ? error_set(err, r, "no memory") : 0;
}

int unfinished_write(const char *dir, const struct buf *list, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, UNFINISHED_FILE, NULL);

	return path ? file_write_atomic(path, list->data, list->len, 0600, err)
		    : error_set(err, ERR_NO_MEMORY, "no memory");
}

int unfinished_end(const char *dir, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, UNFINISHED_FILE, NULL);

	return path ? file_remove(path, err) : error_set(err, ERR_NO_MEMORY, "no memory");
}

bool unfinished_is_there(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, UNFINISHED_FILE, NULL);

	return path && file_exists(path);
}

/* A key that was being written (file_write_atomic()) beside its place. Others may write there now:
 * only what holds this key is taken away. */
static int take_back_staged(const char *path, const char *key_id, struct error *err)
{
	_cleanup_free_ char *dir = strndup(path, (size_t)(path_base(path) - path));
	_cleanup_(closedirp) DIR *folder = dir ? opendir(dir) : NULL;
	struct dirent *entry;
	int r = 0;

	while (folder && r == 0 && (entry = readdir(folder))) {
		_cleanup_free_ char *file = NULL;

		if (!file_is_leftover(entry->d_name))
			continue;
		file = path_join(dir, entry->d_name, NULL);
		if (file && key_store_file_holds(file, key_id))
			r = file_remove(file, err);
	}
	return r;
}

/* One line of the list. The command may have been ended before it wrote that key, and somebody
 * else's may be there since: only the very key that it made is taken away. */
static int take_back_key(char *line, unfinished_spare_fn spare, void *user, struct error *err)
{
	char *space = strchr(line, ' ');
	const char *path = space ? space + 1 : line;

	if (space)
		*space = '\0';
	if (spare && spare(user, line, path))
		return 0;
	if (key_store_file_holds(path, line))
		return file_remove(path, err);
	if (file_exists(path))
		fprintf(stderr,
			"warning: %s: left alone: not the key that the ended command was "
			"to write\n",
			path);
	return take_back_staged(path, line, err);
}

int unfinished_take_back(const char *dir, unfinished_spare_fn spare, void *user, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, UNFINISHED_FILE, NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(UNFINISHED_MAX);
	char *rest, *line;
	int r = path ? buf_reserve(&text, UNFINISHED_MAX) : ERR_NO_MEMORY;

	if (r < 0)
		return error_set(err, r, "no memory");
	if (!file_exists(path))
		return 0;
	r = file_read(path, &text, err);
	rest = (char *)buf_str(&text);
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		if (*line)
			r = take_back_key(line, spare, user, err);
	}
	return r;
}
