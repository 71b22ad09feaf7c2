/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define PREFIX         "suture-scratch-"
#define IN_MEMORY      "/dev/shm"
#define ROOM_IN_MEMORY ((uint64_t)1 << 30)
#define FRESH_S        60

/* Programs that a killed one had started may still be writing. */
#define REMOVE_TRIES   100

struct scratch {
	char *path;
	int fd; /* locked */
	pid_t cleaner;
};

const char *scratch_path(const struct scratch *s)
{
	return s->path;
}

void scratch_unname(const struct scratch *s, struct error *err)
{
	_cleanup_free_ char *place = s ? path_join(s->path, "", NULL) : NULL;

	error_remove(err, place ? place : "");
}

static int open_folder(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static const char *disk_base(void)
{
	const char *base = getenv("TMPDIR");

	return base && base[0] == '/' ? base : "/tmp";
}

static bool memory_has_room(void)
{
	struct statfs st;

	return statfs(IN_MEMORY, &st) == 0 && (uint64_t)st.f_type == TMPFS_MAGIC &&
	       (uint64_t)st.f_bavail * (uint64_t)st.f_bsize >= ROOM_IN_MEMORY &&
	       access(IN_MEMORY, W_OK | X_OK) == 0;
}

/* The folder of a program that has ended; *ret_fd keeps others from taking it too. */
static bool is_left(int dir, const char *name, int *ret_fd)
{
	struct timespec now;
	struct stat st;

	*ret_fd = open_folder(dir, name);
	return *ret_fd >= 0 && fstat(*ret_fd, &st) == 0 && st.st_uid == geteuid() &&
	       clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec - st.st_mtime > FRESH_S &&
	       flock(*ret_fd, LOCK_EX | LOCK_NB) == 0;
}

void scratch_sweep(const char *base)
{
	DIR *dir = opendir(base);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		_cleanup_close_ int fd = -1;
		_cleanup_free_ char *path = NULL;

		if (!str_has_prefix(e->d_name, PREFIX) || !is_left(dirfd(dir), e->d_name, &fd))
			continue;
		path = path_join(base, e->d_name, NULL);
		if (path)
			(void)file_remove_tree(path, NULL);
	}
	if (dir)
		closedir(dir);
}

/* Waits until nobody holds the folder, and removes it. */
static void clean(const char *path)
{
	int fd;

	setsid();
	for (unsigned i = 0; i <= 2; i++)
		close((int)i);
	close_range(3, UINT_MAX, 0);
	fd = open_folder(AT_FDCWD, path);
	if (fd < 0)
		_exit(0);
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	for (unsigned i = 0; i < REMOVE_TRIES && file_remove_tree(path, NULL) < 0; i++)
		;
	_exit(0);
}

static int make_folder(struct scratch *s, struct error *err)
{
	const char *base = memory_has_room() ? IN_MEMORY : disk_base();

	if (asprintf(&s->path, "%s/" PREFIX "XXXXXX", base) < 0) {
		s->path = NULL;
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (!mkdtemp(s->path)) {
		free(TAKE_PTR(s->path));
		return error_set_errno(err, errno, "cannot make a folder under %s", base);
	}
	s->fd = open_folder(AT_FDCWD, s->path);
	if (s->fd < 0 || flock(s->fd, LOCK_EX | LOCK_NB) < 0)
		return error_set_errno(err, errno, "cannot lock %s", s->path);
	return 0;
}

int scratch_new(struct scratch **ret, struct error *err)
{
	_cleanup_scratch_ struct scratch *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	s->fd = -1;
	scratch_sweep(IN_MEMORY);
	scratch_sweep(disk_base());
	r = make_folder(s, err);
	if (r < 0)
		return r;
	s->cleaner = fork();
	if (s->cleaner == 0)
		clean(s->path);
	if (s->cleaner < 0)
		return error_set_errno(err, errno, "fork");
	*ret = TAKE_PTR(s);
	return 0;
}

void scratch_free(struct scratch *s)
{
	if (!s)
		return;
	if (s->path)
		(void)file_remove_tree(s->path, NULL);
	closep(&s->fd);
	while (s->cleaner > 0 && waitpid(s->cleaner, NULL, 0) < 0 && errno == EINTR)
		;
	free(s->path);
	free(s);
}
