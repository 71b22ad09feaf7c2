/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of kernels: what is in it, what killed commands left, locks. */
#include "unit.h"

#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "package/kernel_cache.h"

static char *make_cache(void)
{
	char *dir = unit_make_dir();

	assert_int_equal(setenv("XDG_CACHE_HOME", dir, 1), 0);
	return dir;
}

static char *place(const char *dir, const char *name)
{
	return path_join(dir, "suture/kernels", name, NULL);
}

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = place(dir, name), *folder = strdup(path);
	struct error err = { 0 };

	*strrchr(folder, '/') = '\0';
	assert_ok(file_make_dirs(folder, 0755, &err), &err);
	assert_ok(file_write_atomic(path, text, strlen(text), 0644, &err), &err);
}

static bool there(const char *dir, const char *name)
{
	_cleanup_free_ char *path = place(dir, name);

	return file_exists(path);
}

static const char info[] = "{\"format\":1,\"release\":\"6.1.0-1-amd64\",\"version\":\"6.1.7-1\","
			   "\"build_id\":\"0123456789abcdef\",\"source_package\":\"\"}";

static void what_is_in_it(void **state)
{
	char *dir = make_cache();
	_cleanup_name_list_ struct name_list list = { 0 };
	_cleanup_kernel_ struct kernel *k = NULL;
	struct error err = { 0 };

	(void)state;
	put(dir, "6.1.0-1-amd64/kernel.json", info);
	put(dir, "6.1.0-2-amd64/vmlinuz", "half of one");
	put(dir, "6.1.0-3-amd64.tmp/kernel.json", info);
	assert_ok(kernel_list(&list, &err), &err);
	assert_int_equal(list.n, 1);
	assert_ok(kernel_open("6.1.0-1-amd64", &k, &err), &err);
	assert_string_equal(k->version, "6.1.7-1");
	assert_string_equal(k->build_id, "0123456789abcdef");
	assert_int_equal(kernel_open("6.1.0-2-amd64", &k, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.hint, "kernel add 6.1.0-2-amd64"));
	assert_int_equal(kernel_open("../evil", &k, &err), ERR_INVALID);
	assert_int_equal(kernel_open(".hidden", &k, &err), ERR_INVALID);
	put(dir, "6.1.0-2-amd64/kernel.json", "{\"format\":2}");
	assert_int_equal(kernel_open("6.1.0-2-amd64", &k, &err), ERR_UNSUPPORTED);
	put(dir, "6.1.0-2-amd64/kernel.json", "{\"format\":1");
	assert_true(kernel_open("6.1.0-2-amd64", &k, &err) < 0);
	assert_int_equal(kernel_remove("6.1.0-9-amd64", NULL, &err), ERR_NOT_FOUND);
	assert_false(there(dir, "6.1.0-9-amd64.lock"));
	assert_ok(kernel_remove("6.1.0-1-amd64", NULL, &err), &err);
	assert_false(there(dir, "6.1.0-1-amd64"));
	assert_false(there(dir, "6.1.0-1-amd64.lock"));
	unit_remove_dir(dir);
}

static void sweeping(void **state)
{
	static const char unit[] = "6.1.0-1-amd64/units/fs_x/original.o";
	char *dir = make_cache(), old[128], fresh[128], mine[128];
	_cleanup_free_ char *lock = NULL, *path = NULL;
	struct timespec long_ago[2] = { { 0 }, { 0 } };
	struct error err = { 0 };
	pid_t gone = fork();

	(void)state;
	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	snprintf(old, sizeof(old), "%s.%d.tmp", unit, (int)gone);
	snprintf(fresh, sizeof(fresh), "%s2.%d.tmp", unit, (int)gone);
	snprintf(mine, sizeof(mine), "%s.%d.tmp", unit, (int)getpid());
	put(dir, "6.1.0-1-amd64/kernel.json", info);
	put(dir, "6.1.0-1-amd64.lock", "");
	put(dir, "6.1.0-1-amd64.prepare.tmp/tree/Makefile", "");
	put(dir, "6.1.0-2-amd64.tmp/vmlinuz", "");
	put(dir, "6.1.0-3-amd64.lock", "");
	put(dir, "6.1.0-5-amd64/vmlinux", "the rest of a removal");
	put(dir, "../sources/linux-source-6.1_6.1.7-1.tmp/Makefile", "");
	put(dir, "../sources/linux-source-6.1_6.1.8-1/Makefile", "");
	put(dir, "6.1.0-4-amd64.tmp/vmlinuz", "");
	put(dir, old, "");
	put(dir, fresh, "");
	put(dir, mine, "");
	path = place(dir, old);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	free(path);
	path = place(dir, mine);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);

	/* Another command is at work on the fourth one. */
	lock = place(dir, "6.1.0-4-amd64.lock");
	int fd = open(lock, O_RDWR | O_CREAT, 0644);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_ok(kernel_sweep(&err), &err);
	assert_true(there(dir, "6.1.0-1-amd64/kernel.json"));
	assert_true(there(dir, "6.1.0-1-amd64.lock"));
	assert_false(there(dir, "6.1.0-1-amd64.prepare.tmp"));
	assert_false(there(dir, "6.1.0-2-amd64.tmp"));
	assert_false(there(dir, "6.1.0-2-amd64.lock"));
	assert_false(there(dir, "6.1.0-3-amd64.lock"));
	assert_false(there(dir, "6.1.0-5-amd64"));
	assert_false(there(dir, "../sources/linux-source-6.1_6.1.7-1.tmp"));
	assert_true(there(dir, "../sources/linux-source-6.1_6.1.8-1/Makefile"));
	assert_true(there(dir, "6.1.0-4-amd64.tmp"));
	assert_true(there(dir, "6.1.0-4-amd64.lock"));
	assert_false(there(dir, old));
	assert_true(there(dir, fresh));
	assert_true(there(dir, mine));
	close(fd);
	assert_ok(kernel_sweep(&err), &err);
	assert_false(there(dir, "6.1.0-4-amd64.tmp"));
	unit_remove_dir(dir);
}

/* Takes the lock as another command does, and says whether it got the file of that name. */
static _Noreturn void second_command(const char *path)
{
	struct stat opened, named;
	int fd;

	if (kernel_lock("6.1.0-1-amd64", NULL, &fd, NULL) < 0 || fstat(fd, &opened) < 0 ||
	    stat(path, &named) < 0)
		_exit(2);
	_exit(opened.st_ino == named.st_ino ? 0 : 1);
}

/* Is a process waiting for a lock? Lines of /proc/locks with "->" do. */
static bool is_waiting(pid_t pid)
{
	_cleanup_buf_ struct buf locks = BUF_INIT(1 << 20);
	char word[32];

	snprintf(word, sizeof(word), " %d ", (int)pid);
	assert_int_equal(file_read("/proc/locks", &locks, NULL), 0);
	for (const char *line = buf_str(&locks); *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		const char *end = line + strcspn(line, "\n");
		const char *arrow = memmem(line, (size_t)(end - line), "->", 2);

		if (arrow && memmem(arrow, (size_t)(end - arrow), word, strlen(word)))
			return true;
	}
	return false;
}

/* A lock whose file was removed while another command waited for it is not one. */
static void a_lock_that_was_removed(void **state)
{
	char *dir = make_cache();
	_cleanup_free_ char *path = place(dir, "6.1.0-1-amd64.lock");
	struct error err = { 0 };
	int fd = -1, status = -1;

	(void)state;
	assert_ok(kernel_lock("6.1.0-1-amd64", NULL, &fd, &err), &err);

	pid_t child = fork();

	if (child == 0) {
		close(fd); /* or it would hold the lock itself */
		second_command(path);
	}
	while (!is_waiting(child) && waitpid(child, &status, WNOHANG) == 0)
		sched_yield();
	assert_int_equal(unlink(path), 0);
	close(fd);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	unit_remove_dir(dir);
}

/* Another command at work on the kernel that this one uses. */
static pid_t start_command(int (*work)(void), const struct kernel *mine)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		close(mine->lock); /* or it would hold the lock too */
		_exit(work() == 0 ? 0 : 1);
	}
	return child;
}

static int finish_command(pid_t child)
{
	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Until it waits for a lock. Fails if it ends before. */
static void await_waiting(pid_t child)
{
	while (!is_waiting(child)) {
		if (waitpid(child, NULL, WNOHANG) != 0)
			fail_msg("the other command did not wait");
		sched_yield();
	}
}

static int remove_it(void)
{
	return kernel_remove("6.1.0-1-amd64", NULL, NULL);
}

static int use_it(void)
{
	_cleanup_kernel_ struct kernel *k = NULL;

	return kernel_use("6.1.0-1-amd64", NULL, &k, NULL);
}

/* Whoever reads a kernel's files reads all of them. */
static void a_kernel_that_is_used_stays(void **state)
{
	char *dir = make_cache();
	_cleanup_kernel_ struct kernel *mine = NULL, *other = NULL;
	struct error err = { 0 };

	(void)state;
	put(dir, "6.1.0-1-amd64/kernel.json", info);
	assert_ok(kernel_use("6.1.0-1-amd64", NULL, &mine, &err), &err);
	/* Any number may use it. */
	assert_int_equal(finish_command(start_command(use_it, mine)), 0);

	pid_t child = start_command(remove_it, mine);

	await_waiting(child);
	assert_true(there(dir, "6.1.0-1-amd64/kernel.json"));
	kernel_free(TAKE_PTR(mine));
	assert_int_equal(finish_command(child), 0);
	assert_false(there(dir, "6.1.0-1-amd64"));
	assert_int_equal(kernel_use("6.1.0-1-amd64", NULL, &other, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.hint, "kernel add 6.1.0-1-amd64"));
	unit_remove_dir(dir);
}

/* Who prepares it anew has it alone. One that waits meanwhile gets what is there then. */
static void a_kernel_that_is_claimed(void **state)
{
	char *dir = make_cache();
	_cleanup_kernel_ struct kernel *mine = NULL;
	struct error err = { 0 };
	pid_t user;

	(void)state;
	put(dir, "6.1.0-1-amd64/kernel.json", info);
	assert_ok(kernel_use("6.1.0-1-amd64", NULL, &mine, &err), &err);
	assert_ok(kernel_claim(mine, NULL, &err), &err);
	user = start_command(use_it, mine);
	await_waiting(user);
	kernel_share(mine);
	assert_int_equal(finish_command(user), 0);

	assert_ok(kernel_claim(mine, NULL, &err), &err);
	user = start_command(use_it, mine);
	await_waiting(user);
	_cleanup_free_ char *folder = place(dir, "6.1.0-1-amd64");
	assert_ok(file_remove_tree(folder, &err), &err);
	kernel_share(mine);
	assert_int_equal(finish_command(user), 1);
	/* A folder of that name is another one now. */
	put(dir, "6.1.0-1-amd64/kernel.json", info);
	assert_int_equal(kernel_claim(mine, NULL, &err), ERR_NOT_FOUND);
	unit_remove_dir(dir);
}

static void put_kernel(const char *dir, const char *release)
{
	char name[128], text[512];

	snprintf(name, sizeof(name), "%s/kernel.json", release);
	snprintf(text, sizeof(text),
		 "{\"format\":1,\"release\":\"%s\",\"version\":\"6.1.7-1\","
		 "\"build_id\":\"0123456789abcdef\",\"source_package\":\"linux-source-6.1\"}",
		 release);
	put(dir, name, text);
}

/* The source goes with the last kernel that was built from it. */
static void shared_sources(void **state)
{
	static const char source[] = "../sources/linux-source-6.1_6.1.7-1";
	char *dir = make_cache();
	_cleanup_free_ char *path = NULL;
	struct error err = { 0 };
	bool exists;

	(void)state;
	put_kernel(dir, "6.1.0-1-amd64");
	put_kernel(dir, "6.1.0-1-rt-amd64");
	put(dir, "../sources/linux-source-6.1_6.1.7-1/Makefile", "");
	assert_ok(kernel_remove("6.1.0-1-amd64", NULL, &err), &err);
	assert_true(there(dir, source));
	assert_ok(kernel_source_folder("linux-source-6.1", "6.1.7-1", &path, &exists, &err), &err);
	assert_true(exists);
	free(TAKE_PTR(path));
	assert_ok(kernel_remove("6.1.0-1-rt-amd64", NULL, &err), &err);
	assert_false(there(dir, source));
	assert_false(there(dir, "../sources/linux-source-6.1_6.1.7-1.tmp"));
	assert_ok(kernel_source_folder("linux-source-6.1", "6.1.7-1", &path, &exists, &err), &err);
	assert_false(exists);
	free(TAKE_PTR(path));
	assert_int_equal(kernel_source_folder("..", "/x", &path, &exists, &err), ERR_INVALID);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_it),
		cmocka_unit_test(sweeping),
		cmocka_unit_test(a_lock_that_was_removed),
		cmocka_unit_test(a_kernel_that_is_used_stays),
		cmocka_unit_test(a_kernel_that_is_claimed),
		cmocka_unit_test(shared_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
