/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/buf.h"

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void reads_no_more_than_allowed(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f", NULL);
	_cleanup_buf_ struct buf exact = BUF_INIT(5), small = BUF_INIT(4), any = BUF_INIT(SIZE_MAX);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, "12345", 5, 0600, &err), &err);
	assert_ok(file_read(path, &exact, &err), &err);
	assert_string_equal(buf_str(&exact), "12345");
	assert_ok(file_read(path, &any, &err), &err);
	assert_string_equal(buf_str(&any), "12345");
	assert_int_equal(file_read(path, &small, &err), ERR_TOO_LARGE);
	assert_non_null(strstr(err.message, path));
}

static void input_may_come_through_a_pipe(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f", NULL), *end = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT(10), small = BUF_INIT(4);
	struct error err = { 0 };
	int ends[2], standard = dup(STDIN_FILENO);

	assert_ok(file_write_atomic(path, "12", 2, 0600, &err), &err);
	assert_ok(file_read_input(path, &b, &err), &err);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(asprintf(&end, "/proc/self/fd/%d", ends[0]) > 0, true);
	assert_ok(file_write_fd(ends[1], "3456", 4, &err), &err);
	close(ends[1]);
	assert_ok(file_read_input(end, &b, &err), &err);
	close(ends[0]);
	assert_string_equal(buf_str(&b), "123456");

	assert_int_equal(pipe(ends), 0);
	assert_ok(file_write_fd(ends[1], "7890-", 5, &err), &err);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	assert_int_equal(file_read_input("-", &small, &err), ERR_TOO_LARGE);
	assert_non_null(strstr(err.message, "standard input"));
	dup2(standard, STDIN_FILENO);
	close(standard);
	close(ends[0]);
	assert_int_equal(file_read_input("/dev/zero", &b, &err), ERR_INVALID);
	assert_int_equal(file_read_input(*state, &b, &err), ERR_INVALID);
}

static void refuses_what_is_no_file(void **state)
{
	_cleanup_free_ char *fifo = path_join(*state, "fifo", NULL);
	_cleanup_buf_ struct buf b = BUF_INIT(100);
	struct error err = { 0 };

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(file_read(fifo, &b, &err), ERR_INVALID);
	assert_int_equal(file_read("/dev/zero", &b, &err), ERR_INVALID);
	assert_int_equal(file_read(*state, &b, &err), ERR_INVALID);
	assert_int_equal(file_read("/proc/self/maps", &b, &err), ERR_TOO_LARGE);
}

static void at_does_not_follow_links(void **state)
{
	_cleanup_close_ int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_buf_ struct buf b = BUF_INIT(100);
	struct error err = { 0 };

	assert_int_equal(symlinkat("/etc/hostname", dir, "link"), 0);
	assert_int_equal(file_read_at(dir, "link", &b, &err), -ELOOP);
}

static void atomic_write_replaces(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f", NULL);
	_cleanup_buf_ struct buf b = BUF_INIT(100);
	struct error err = { 0 };
	struct stat st;

	assert_ok(file_write_atomic(path, "old", 3, 0644, &err), &err);
	assert_ok(file_write_atomic(path, "newer", 5, 0640, &err), &err);
	assert_ok(file_read(path, &b, &err), &err);
	assert_string_equal(buf_str(&b), "newer");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(count_entries(*state), 1);
}

/* A file size limit stands in for a full disk: write(2) fails halfway. */
static void failed_write_leaves_the_old_file(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f", NULL);
	_cleanup_free_ char *large = calloc(1, 100000);
	_cleanup_buf_ struct buf b = BUF_INIT(100);
	struct rlimit before, small;
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, "old", 3, 0600, &err), &err);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ 4096, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = file_write_atomic(path, large, 100000, 0600, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_ok(file_read(path, &b, &err), &err);
	assert_string_equal(buf_str(&b), "old");
	assert_int_equal(count_entries(*state), 1);
}

static void atomic_write_spares_devices(void **state)
{
	_cleanup_free_ char *fifo = path_join(*state, "fifo", NULL);
	_cleanup_free_ char *link_to_device = path_join(*state, "link", NULL);
	struct error err = { 0 };
	struct stat st;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(file_write_atomic(fifo, "x", 1, 0600, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, fifo));
	assert_int_equal(lstat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(symlink("/dev/null", link_to_device), 0);
	assert_int_equal(file_write_atomic(link_to_device, "x", 1, 0600, &err), ERR_INVALID);
	assert_int_equal(lstat(link_to_device, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(count_entries(*state), 2);
}

static void trees(void **state)
{
	_cleanup_free_ char *deep = path_join(*state, "a", "b", "c", NULL);
	_cleanup_free_ char *top = path_join(*state, "a", NULL);
	_cleanup_free_ char *file = path_join(deep, "f", NULL);
	_cleanup_free_ char *outside = path_join(*state, "outside", NULL);
	_cleanup_free_ char *link = path_join(*state, "a", "link", NULL);
	struct error err = { 0 };

	assert_ok(file_make_dirs(deep, 0700, &err), &err);
	assert_ok(file_make_dirs(deep, 0700, &err), &err);
	assert_ok(file_write_atomic(file, "x", 1, 0600, &err), &err);
	assert_ok(file_write_atomic(outside, "x", 1, 0600, &err), &err);
	assert_int_equal(symlink(outside, link), 0);
	assert_ok(file_remove_tree(top, &err), &err);
	assert_false(file_exists(top));
	assert_true(file_exists(outside));
	assert_ok(file_remove_tree(top, &err), &err);
	assert_int_equal(file_make_dirs(outside, 0700, &err), -ENOTDIR);
	assert_int_equal(file_make_dirs("", 0700, &err), -ENOENT);
}

static void lines_copies_and_removal(void **state)
{
	_cleanup_free_ char *a = path_join(*state, "a", NULL), *b = path_join(*state, "b", NULL);
	_cleanup_free_ char *line = NULL;
	struct error err = { 0 };

	assert_ok(file_write_atomic(a, "one\n", 4, 0600, &err), &err);
	assert_ok(file_copy(a, b, 0600, &err), &err);
	assert_ok(file_read_line(b, &line, &err), &err);
	assert_string_equal(line, "one");
	assert_ok(file_write_sysfs(b, "two", &err), &err);
	assert_ok(file_remove(b, &err), &err);
	assert_ok(file_remove(b, &err), &err);
	assert_int_equal(file_write_sysfs(b, "x", &err), -ENOENT);
}

static void copies_that_do_not_wait(void **state)
{
	_cleanup_free_ char *a = path_join(*state, "a", NULL), *b = path_join(*state, "b", NULL);
	_cleanup_free_ char *pipe = path_join(*state, "pipe", NULL);
	_cleanup_buf_ struct buf big = BUF_INIT(1 << 20), copy = BUF_INIT(1 << 20);
	struct error err = { 0 };
	struct stat st;

	while (big.len < 300000)
		assert_int_equal(buf_append_str(&big, "some text\n"), 0);
	assert_ok(file_write_atomic(a, big.data, big.len, 0640, &err), &err);
	assert_ok(file_copy_new(a, b, &err), &err);
	assert_ok(file_read(b, &copy, &err), &err);
	assert_int_equal(copy.len, big.len);
	assert_memory_equal(copy.data, big.data, big.len);
	assert_int_equal(stat(b, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* What is there is not replaced. */
	assert_int_equal(file_copy_new(a, b, &err), -EEXIST);
	assert_ok(file_remove(b, &err), &err);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(file_copy_new(pipe, b, &err), ERR_INVALID);
	assert_int_equal(file_copy_new(b, a, &err), -ENOENT);
	assert_int_equal(access(b, F_OK), -1);
}

static void joined_paths(void **state _unused_)
{
	_cleanup_free_ char *a = path_join("/x/", "/y", "z", NULL), *b = path_join("", "etc", NULL);

	assert_string_equal(a, "/x/y/z");
	assert_string_equal(b, "/etc");
	assert_string_equal(path_base("/x/y"), "y");
	assert_string_equal(path_base("y"), "y");
}

static void safe_paths(void **state _unused_)
{
	static const char *const bad[] = { "",     "/a", "a/../b", "..",   ".",
					   "a//b", "a/", "a/./b",  "a\nb", "a\x7f" };

	assert_true(path_is_safe_relative("a/b..c/.d"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (path_is_safe_relative(bad[i]))
			fail_msg("accepted '%s'", bad[i]);
}

static int setup(void **state)
{
	*state = unit_make_dir();
	return 0;
}

static int teardown(void **state)
{
	unit_remove_dir(*state);
	return 0;
}

static bool is_text(const char *name)
{
	return str_has_suffix(name, ".txt");
}

static void writes_below_a_folder(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "a/b/f", NULL);
	_cleanup_buf_ struct buf b = BUF_INIT(10);
	struct error err = { 0 };
	struct stat st;

	assert_ok(file_write_below(*state, "a/b/f", "old", 3, 0640, &err), &err);
	assert_ok(file_write_below(*state, "a/b/f", "new", 3, 0640, &err), &err);
	assert_ok(file_read(path, &b, &err), &err);
	assert_string_equal(buf_str(&b), "new");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_ok(file_write_below(*state, "f", "x", 1, 0600, &err), &err);
	assert_int_equal(count_entries(*state), 2);
	assert_int_equal(file_write_below(*state, "f/g", "x", 1, 0600, &err), -ENOTDIR);
}

static void writes_in_two_steps(void **state)
{
	_cleanup_close_ int dir_fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_buf_ struct buf b = BUF_INIT(10);
	char staged[FILE_STAGED_MAX];
	struct error err = { 0 };

	assert_ok(file_write_atomic_at(dir_fd, "f", "old", 3, 0600, &err), &err);
	assert_ok(file_stage_at(dir_fd, "new", 3, 0600, staged, &err), &err);
	assert_true(file_is_leftover(staged));
	assert_false(file_is_leftover(".new-world"));
	assert_false(file_is_leftover(".new-0123456789abcdef0"));
	assert_ok(file_read_at(dir_fd, "f", &b, &err), &err);
	assert_ok(file_commit_at(dir_fd, staged, "f", &err), &err);
	assert_ok(file_read_at(dir_fd, "f", &b, &err), &err);
	assert_string_equal(buf_str(&b), "oldnew");
	/* Not in the place of a folder; and then nothing is left. */
	assert_int_equal(mkdirat(dir_fd, "folder", 0700), 0);
	assert_ok(file_stage_at(dir_fd, "new", 3, 0600, staged, &err), &err);
	assert_int_equal(file_commit_at(dir_fd, staged, "folder", &err), -EISDIR);
	assert_int_equal(count_entries(*state), 2);

	assert_ok(file_stage_at(dir_fd, "x", 1, 0600, staged, &err), &err);
	assert_ok(file_write_atomic_at(dir_fd, "a.txt", "x", 1, 0600, &err), &err);
	assert_ok(file_remove_leftovers(*state, &err), &err);
	assert_int_equal(count_entries(*state), 3);
	assert_int_equal(file_remove_leftovers("/dev/null", &err), -ENOTDIR);
	assert_ok(file_remove_leftovers("/none", &err), &err);
	assert_ok(file_remove_matching(dir_fd, is_text, &err), &err);
	assert_int_equal(count_entries(*state), 2);
}

static void replaces_a_folder(void **state)
{
	_cleanup_free_ char *to = path_join(*state, "to", NULL), *f = path_join(to, "f", NULL);
	_cleanup_free_ char *from = path_join(*state, "from", NULL),
			    *g = path_join(from, "f", NULL);
	_cleanup_buf_ struct buf b = BUF_INIT(10);
	struct error err = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_ok(file_make_dirs(from, 0700, &err), &err);
		assert_ok(file_write_atomic(g, i == 0 ? "one" : "two", 3, 0600, &err), &err);
		assert_ok(file_replace_tree(from, to, &err), &err);
		assert_ok(file_read(f, &b, &err), &err);
		assert_int_equal(count_entries(*state), 1);
	}
	assert_string_equal(buf_str(&b), "onetwo");
	assert_int_equal(file_replace_tree(from, to, &err), -ENOENT);
	assert_true(file_exists(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_no_more_than_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(input_may_come_through_a_pipe, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(at_does_not_follow_links, setup, teardown),
		cmocka_unit_test_setup_teardown(atomic_write_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(atomic_write_spares_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_write_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(trees, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_copies_and_removal, setup, teardown),
		cmocka_unit_test_setup_teardown(copies_that_do_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_below_a_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_in_two_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(replaces_a_folder, setup, teardown),
		cmocka_unit_test(joined_paths),
		cmocka_unit_test(safe_paths),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
