/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kernel_lock.h"

#include <dirent.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/release.h"
#include "package/kernel_sources.h"

/* A compiler's output is renamed within minutes. */
#define FILE_STALE_S       (60 * 60)

#define WAITING_FOR_WRITER "waiting for another command that works on this kernel"
#define WAITING_FOR_USERS  "waiting for the commands that use this kernel"

static int lock_path(const char *release, char **ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	int r = kernel_release_folder(release, &folder, err);

	if (r < 0)
		return r;
	return asprintf(ret, "%s.lock", folder) < 0 ? error_set(err, ERR_NO_MEMORY, "out of memory")
						    : 0;
}

/* Is the open file still the one of that name? Whoever held the lock may have removed it. */
static bool is_current(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* -EWOULDBLOCK if another command holds the lock and `wait` is false. */
static int try_lock(const char *path, bool wait, int *ret_fd, struct error *err)
{
	for (;;) {
		_cleanup_close_ int fd =
			open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

		if (fd < 0)
			return error_set_errno(err, errno, "cannot open %s", path);
		while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
			if (errno != EINTR)
				return error_set_errno(err, errno, "cannot lock %s", path);
		if (is_current(fd, path)) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
	}
}

int kernel_lock(const char *release, kernel_say_fn say, int *ret_fd, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = lock_path(release, &path, err);

	if (r < 0)
		return r;
	r = try_lock(path, false, ret_fd, NULL);
	if (r == 0)
		return 0;
	if (r == -EWOULDBLOCK && say)
		say(WAITING_FOR_WRITER);
	return try_lock(path, true, ret_fd, err);
}

/* Waits if need be, after saying so. */
static int lock_folder(int fd, int operation, const char *folder, const char *waiting,
		       kernel_say_fn say, struct error *err)
{
	if (flock(fd, operation | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK && say)
		say(waiting);
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "cannot lock %s", folder);
	return 0;
}

int kernel_folder_lock(const char *folder, kernel_say_fn say, int *ret_fd, struct error *err)
{
	for (;;) {
		_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r;

		if (fd < 0)
			return error_set(err, errno == ENOENT ? ERR_NOT_FOUND : -errno,
					 "cannot open %s: %s", folder, strerror(errno));
		r = lock_folder(fd, LOCK_SH, folder, WAITING_FOR_WRITER, say, err);
		if (r < 0)
			return r;
		if (is_current(fd, folder)) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
	}
}

int kernel_folder_claim(const char *folder, int fd, kernel_say_fn say, struct error *err)
{
	int r = lock_folder(fd, LOCK_EX, folder, WAITING_FOR_USERS, say, err);

	if (r == 0 && !is_current(fd, folder))
		r = error_set(err, ERR_NOT_FOUND, "%s was removed by another command", folder);
	return r;
}

void kernel_lock_forget(const char *release)
{
	_cleanup_free_ char *folder = NULL, *path = NULL;

	if (kernel_release_folder(release, &folder, NULL) == 0 && !file_exists(folder) &&
	    lock_path(release, &path, NULL) == 0)
		unlink(path);
}

/* "original.o.4711.tmp": is the process that was to rename it gone? */
static bool is_stale_file(const char *folder, const char *name)
{
	_cleanup_free_ char *path = path_join(folder, name, NULL), *stem = strdup(name);
	struct stat st;
	char *dot, *end;

	if (!path || !stem || !str_has_suffix(name, ".tmp"))
		return false;
	stem[strlen(stem) - strlen(".tmp")] = '\0';
	dot = strrchr(stem, '.');
	if (!dot)
		return false;

	long pid = strtol(dot + 1, &end, 10);

	return pid > 0 && pid <= INT32_MAX && *end == '\0' && end > dot + 1 &&
	       kill((pid_t)pid, 0) < 0 && errno == ESRCH && lstat(path, &st) == 0 &&
	       st.st_mtime + FILE_STALE_S < time(NULL);
}

/* Goes through units/UNIT/ of one kernel. */
static void sweep_units(const char *kernel_folder)
{
	_cleanup_free_ char *units = path_join(kernel_folder, "units", NULL);
	DIR *dir = units ? opendir(units) : NULL;
	struct dirent *e, *f;

	while (dir && (e = readdir(dir)) != NULL) {
		_cleanup_free_ char *unit = path_join(units, e->d_name, NULL);
		DIR *inside = unit && e->d_name[0] != '.' ? opendir(unit) : NULL;

		while (inside && (f = readdir(inside)) != NULL)
			if (is_stale_file(unit, f->d_name))
				unlinkat(dirfd(inside), f->d_name, 0);
		if (inside)
			closedir(inside);
	}
	if (dir)
		closedir(dir);
}

static int sweep_release(const char *release, struct error *err)
{
	_cleanup_free_ char *folder = NULL, *path = NULL, *fetch = NULL, *prepare = NULL;
	_cleanup_free_ char *info = NULL;
	_cleanup_close_ int lock = -1;
	int r = kernel_release_folder(release, &folder, err);

	if (r == 0)
		r = lock_path(release, &path, err);
	if (r < 0)
		return r;
	sweep_units(folder);
	if (try_lock(path, false, &lock, NULL) < 0)
		return 0;
	info = path_join(folder, "kernel.json", NULL);
	if (!info || asprintf(&fetch, "%s.tmp", folder) < 0 ||
	    asprintf(&prepare, "%s.prepare.tmp", folder) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_remove_tree(fetch, err);
	if (r == 0)
		r = file_remove_tree(prepare, err);
	/* The rest of a removal. */
	if (r == 0 && !file_exists(info))
		r = file_remove_tree(folder, err);
	kernel_lock_forget(release);
	return r;
}

/* The release that a name in the folder of kernels belongs to; "" if to none. */
static void release_of(const char *name, char ret[static KERNEL_RELEASE_MAX + 1])
{
	static const char *const endings[] = { ".lock", ".prepare.tmp", ".tmp", "" };
	size_t len = strlen(name);

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		if (!str_has_suffix(name, endings[i]))
			continue;
		len -= strlen(endings[i]);
		if (len > KERNEL_RELEASE_MAX)
			return;
		memcpy(ret, name, len);
		ret[len] = '\0';
		if (!kernel_release_is_valid(ret))
			ret[0] = '\0';
		return;
	}
}

int kernel_names(struct name_list *ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	_cleanup_name_list_ struct name_list names = { 0 };
	struct dirent *e;
	int r = kernel_release_folder("", &folder, err);

	if (r < 0)
		return r;

	DIR *dir = opendir(folder);

	if (!dir)
		return error_set_errno(err, errno, "cannot read %s", folder);
	while (r == 0 && (e = readdir(dir)) != NULL) {
		char release[KERNEL_RELEASE_MAX + 1];

		release_of(e->d_name, release);
		if (release[0] && !name_list_has(&names, release))
			r = name_list_add(&names, release);
	}
	closedir(dir);
	if (r < 0)
		return error_set(err, r, "cannot list %s", folder);
	name_list_sort(&names);
	*ret = names;
	names = (struct name_list){ 0 };
	return 0;
}

int kernel_sweep(struct error *err)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	int r = kernel_names(&names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = sweep_release(names.items[i], err);
	return r < 0 ? r : kernel_sources_sweep(err);
}
