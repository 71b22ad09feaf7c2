/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders that vanish with their program. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/scratch.h"

static void write_something(const char *folder)
{
	_cleanup_free_ char *sub = path_join(folder, "a/b", NULL);
	_cleanup_free_ char *file = path_join(folder, "a/b/c", NULL);

	assert_int_equal(file_make_dirs(sub, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(file, "x", 1, 0644, NULL), 0);
}

static void removed_when_freed(void **state)
{
	_cleanup_scratch_ struct scratch *s = NULL, *other = NULL;
	_cleanup_free_ char *path = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(scratch_new(&s, NULL), 0);
	assert_int_equal(scratch_new(&other, NULL), 0);
	assert_string_not_equal(scratch_path(s), scratch_path(other));
	assert_int_equal(stat(scratch_path(s), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	path = strdup(scratch_path(s));
	write_something(path);
	scratch_free(TAKE_PTR(s));
	assert_false(file_exists(path));
	assert_true(file_exists(scratch_path(other)));
}

/* In a process of its own: tells the folder and waits to be ended. */
static void hold(int out)
{
	struct scratch *s;

	if (scratch_new(&s, NULL) < 0 ||
	    write(out, scratch_path(s), strlen(scratch_path(s)) + 1) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void removed_when_killed_by(int signal_number)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC);
	char path[256] = "";
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);

	pid_t pid = fork();

	if (pid == 0)
		hold(ends[1]);
	assert_true(read(ends[0], path, sizeof(path) - 1) > 0);
	close(ends[0]);
	close(ends[1]);
	write_something(path);
	assert_true(inotify_add_watch(watch, path, IN_DELETE_SELF) >= 0);
	assert_int_equal(kill(pid, signal_number), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(poll(&(struct pollfd){ .fd = watch, .events = POLLIN }, 1, 60000), 1);
	assert_false(file_exists(path));
}

static void removed_when_killed(void **state)
{
	(void)state;
	removed_when_killed_by(SIGINT);
	removed_when_killed_by(SIGTERM);
	removed_when_killed_by(SIGKILL);
}

static char *make_old(const char *base, const char *name)
{
	char *path = path_join(base, name, NULL);
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	assert_int_equal(file_make_dirs(path, 0755, NULL), 0);
	write_something(path);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	return path;
}

static void sweeps_what_is_left(void **state)
{
	char base[] = "/tmp/test-scratch-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(base));

	_cleanup_free_ char *left = make_old(base, "suture-scratch-left");
	_cleanup_free_ char *used = make_old(base, "suture-scratch-used");
	_cleanup_free_ char *other = make_old(base, "suture-other");
	_cleanup_free_ char *fresh = path_join(base, "suture-scratch-fresh", NULL);
	_cleanup_close_ int lock = open(used, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	write_something(fresh);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	scratch_sweep(base);
	assert_false(file_exists(left));
	assert_true(file_exists(used));
	assert_true(file_exists(other));
	assert_true(file_exists(fresh));
	assert_int_equal(file_remove_tree(base, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed_when_freed),
		cmocka_unit_test(removed_when_killed),
		cmocka_unit_test(sweeps_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
