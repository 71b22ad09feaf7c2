/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/stat.h>

#include "package/laid_tree.h"

/* Three folders: plain/, over/ and, not there yet, dest/. */
struct trees {
	char *top;
	char plain[256], over[256], dest[256];
};

static void write_text(const char *folder, const char *name, const char *text)
{
	struct error err = { 0 };
	char path[512], parent[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	assert_ok(file_make_dirs(parent, 0755, &err), &err);
	assert_ok(file_write_atomic(path, text, strlen(text), 0644, &err), &err);
}

static void assert_text(const char *folder, const char *name, const char *text)
{
	struct buf out = BUF_INIT(4096);
	struct error err = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_ok(file_read(path, &out, &err), &err);
	assert_string_equal(buf_str(&out), text);
	buf_free(&out);
}

static ino_t inode(const char *folder, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static int setup(void **state)
{
	struct trees *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->top = unit_make_dir();
	snprintf(t->plain, sizeof(t->plain), "%s/plain", t->top);
	snprintf(t->over, sizeof(t->over), "%s/over", t->top);
	snprintf(t->dest, sizeof(t->dest), "%s/dest", t->top);
	write_text(t->plain, "include/linux/sched.h", "plain\n");
	write_text(t->plain, "include/linux/same.h", "same\n");
	write_text(t->plain, "kernel/fork.c", "fork\n");
	write_text(t->over, "include/linux/same.h", "same\n");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct trees *t = *state;

	unit_remove_dir(t->top);
	free(t);
	return 0;
}

/* What differs is replaced, what is new is added, the rest is the plain tree's own files. */
static void test_lays_over(void **state)
{
	struct trees *t = *state;
	struct error err = { 0 };
	char link[512];
	size_t laid = 0;

	write_text(t->over, "include/linux/sched.h", "other\n");
	write_text(t->over, "include/new/rt.h", "new\n");
	snprintf(link, sizeof(link), "%s/include/asm", t->plain);
	assert_int_equal(symlink("linux", link), 0);
	/* Of what is laid over, only files count. */
	snprintf(link, sizeof(link), "%s/include/linux/link.h", t->over);
	assert_int_equal(symlink("/etc/passwd", link), 0);

	assert_ok(laid_tree_make(t->plain, t->over, t->dest, &laid, &err), &err);
	assert_int_equal(laid, 2);
	snprintf(link, sizeof(link), "%s/include/linux/link.h", t->dest);
	assert_int_equal(readlink(link, (char[8]){ 0 }, 8), -1);
	assert_text(t->dest, "include/linux/sched.h", "other\n");
	assert_text(t->dest, "include/new/rt.h", "new\n");
	assert_text(t->dest, "include/asm/same.h", "same\n");
	assert_true(inode(t->dest, "kernel/fork.c") == inode(t->plain, "kernel/fork.c"));
	assert_true(inode(t->dest, "include/linux/same.h") ==
		    inode(t->plain, "include/linux/same.h"));
}

/* The plain tree is shared with other kernels. */
static void test_plain_stays(void **state)
{
	struct trees *t = *state;
	struct error err = { 0 };
	size_t laid;

	write_text(t->over, "include/linux/sched.h", "other\n");
	assert_ok(laid_tree_make(t->plain, t->over, t->dest, &laid, &err), &err);
	assert_text(t->plain, "include/linux/sched.h", "plain\n");
	assert_ok(file_remove_tree(t->dest, &err), &err);
	assert_text(t->plain, "kernel/fork.c", "fork\n");
}

/* A link to a folder must not lead what is laid over into another place. */
static void test_refuses_links(void **state)
{
	struct trees *t = *state;
	struct error err = { 0 };
	char link[512];
	size_t laid;

	snprintf(link, sizeof(link), "%s/include/asm", t->plain);
	assert_int_equal(symlink("linux", link), 0);
	write_text(t->over, "include/asm/sched.h", "other\n");
	assert_int_equal(laid_tree_make(t->plain, t->over, t->dest, &laid, &err), ERR_INVALID);
	assert_text(t->plain, "include/linux/sched.h", "plain\n");
}

static void test_refuses_file_over_folder(void **state)
{
	struct trees *t = *state;
	struct error err = { 0 };
	size_t laid;

	write_text(t->over, "kernel", "a file\n");
	assert_int_equal(laid_tree_make(t->plain, t->over, t->dest, &laid, &err), ERR_INVALID);
}

static void test_refuses_devices(void **state)
{
	struct trees *t = *state;
	struct error err = { 0 };
	char pipe[512];
	size_t laid;

	snprintf(pipe, sizeof(pipe), "%s/kernel/pipe", t->plain);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(laid_tree_make(t->plain, t->over, t->dest, &laid, &err), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lays_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_file_over_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_devices, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
