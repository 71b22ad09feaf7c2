/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/data_dir.h"

#include <stdio.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/log.h"
#include "server/secret.h"

#define PASSWORD_FILE "admin-password"

int data_dir_open(const char *path, struct data_dir *ret, struct error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_free_ char *lock = path_join(path, "lock", NULL);
	_cleanup_close_ int fd = -1;
	int r;

	if (!copy || !lock)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", path);
	r = file_make_dirs(path, 0700, err);
	if (r < 0)
		return r;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "%s", lock);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return error_set(err, ERR_BAD_STATE, "%s: another suture-server uses it",
					 path);
		return error_set_errno(err, errno, "%s", lock);
	}
	ret->path = TAKE_PTR(copy);
	ret->lock_fd = TAKE_FD(fd);
	return 0;
}

void data_dir_close(struct data_dir *dir)
{
	if (dir->path)
		close(dir->lock_fd);
	free(dir->path);
	*dir = (struct data_dir){ .lock_fd = -1 };
}

char *data_dir_path(const struct data_dir *dir, const char *name)
{
	return path_join(dir->path, name, NULL);
}

int data_dir_open_store(const struct data_dir *dir, struct store **ret, struct error *err)
{
	_cleanup_free_ char *path = data_dir_path(dir, "suture.db");

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", dir->path);
	return store_open_sqlite(path, ret, err);
}

/* The file comes first: a user whose password nobody can know would lock everyone out, while a
 * file without its user is replaced at the next start. */
int data_dir_first_user(const struct data_dir *dir, struct store *store, struct error *err)
{
	_cleanup_free_ char *path = data_dir_path(dir, PASSWORD_FILE);
	char password[SECRET_TEXT_LEN + 1], line[SECRET_TEXT_LEN + 2], hash[PASSWORD_HASH_MAX];
	int64_t users = 0;
	int r = path ? store_user_count(store, &users, err)
		     : error_set(err, ERR_NO_MEMORY, "%s: out of memory", dir->path);

	if (r < 0 || users > 0)
		return r;
	r = secret_new(password, err);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%s\n", password);
	r = file_write_atomic(path, line, strlen(line), 0600, err);
	if (r == 0)
		r = password_hash(password, hash, err);
	if (r == 0)
		r = store_user_set(store, DATA_ADMIN_USER, hash, err);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(line, sizeof(line));
	if (r == 0)
		log_info("the password of user %s is in %s", DATA_ADMIN_USER, path);
	return r;
}
