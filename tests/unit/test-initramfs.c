// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lab/guest/initramfs.h"
#include "lab/guest/path_list.h"
#include "lab/guest/shared_objects.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-initramfs-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

/* One line an entry: "TYPE MODE PATH [SIZE or TARGET]". */
static void list(const char *path, struct buf *out)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;

	assert_int_equal(archive_read_support_format_cpio(a), ARCHIVE_OK);
	assert_true(archive_read_support_filter_all(a) >= ARCHIVE_WARN);
	assert_int_equal(archive_read_open_filename(a, path, 10240), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		const char *target = archive_entry_symlink(e);

		assert_int_equal(archive_entry_uid(e), 0);
		assert_int_equal(archive_entry_mtime(e), 0);
		assert_int_equal(buf_printf(out, "%o %04o %s %s%d\n",
					    (unsigned)archive_entry_filetype(e) >> 12,
					    (unsigned)archive_entry_perm(e),
					    archive_entry_pathname(e), target ? target : "",
					    (int)archive_entry_size(e)),
				 0);
	}
	assert_int_equal(archive_read_free(a), ARCHIVE_OK);
}

static void fill(struct initramfs *fs)
{
	assert_int_equal(initramfs_add_bytes(fs, "/etc/a/b", 0640, "hello", 5, NULL), 0);
	assert_int_equal(initramfs_add_link(fs, "/bin/sh", "busybox", NULL), 0);
	assert_int_equal(initramfs_add_device(fs, "/dev/console", 0600, 5, 1, NULL), 0);
	assert_int_equal(initramfs_add_bytes(fs, "/empty", 0600, NULL, 0, NULL), 0);
	/* The first one wins. */
	assert_int_equal(initramfs_add_bytes(fs, "/etc/a/b", 0777, "other", 5, NULL), 0);
	assert_int_equal(initramfs_add_dir(fs, "/etc", 0700, NULL), 0);
}

static void check_compression(enum initramfs_compression compression)
{
	_cleanup_free_ char *path = path_join(dir, "a.cpio", NULL);
	_cleanup_buf_ struct buf entries = BUF_INIT(65536);
	_cleanup_(initramfs_freep) struct initramfs *fs = NULL;

	assert_int_equal(initramfs_create(path, compression, &fs, NULL), 0);
	fill(fs);
	assert_int_equal(initramfs_finish(fs, NULL), 0);
	list(path, &entries);
	assert_string_equal(buf_str(&entries), "4 0755 etc 0\n"
					       "4 0755 etc/a 0\n"
					       "10 0640 etc/a/b 5\n"
					       "4 0755 bin 0\n"
					       "12 0777 bin/sh busybox7\n"
					       "4 0755 dev 0\n"
					       "2 0600 dev/console 0\n"
					       "10 0600 empty 0\n");
}

static void test_contents(void **state)
{
	(void)state;
	check_compression(INITRAMFS_PLAIN);
	check_compression(INITRAMFS_GZIP);
	check_compression(INITRAMFS_ZSTD);
}

static void test_form(void **state)
{
	(void)state;
	_cleanup_free_ char *one = path_join(dir, "1", NULL), *two = path_join(dir, "2", NULL);
	_cleanup_buf_ struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);
	const char *paths[] = { one, two };

	for (int i = 0; i < 2; i++) {
		_cleanup_(initramfs_freep) struct initramfs *fs = NULL;

		assert_int_equal(initramfs_create(paths[i], INITRAMFS_PLAIN, &fs, NULL), 0);
		fill(fs);
		assert_int_equal(initramfs_finish(fs, NULL), 0);
	}
	assert_int_equal(file_read(one, &a, NULL), 0);
	assert_int_equal(file_read(two, &b, NULL), 0);
	assert_memory_equal(a.data, "070701", 6); /* "newc" */
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void test_refused(void **state)
{
	(void)state;
	_cleanup_free_ char *path = path_join(dir, "r.cpio", NULL);
	_cleanup_free_ char *missing = path_join(dir, "missing", "x", NULL);
	static const char *const bad[] = { "", "/", "relative", "/a/../b", "/./a", "//a", "/a/" };
	struct initramfs *fs = NULL;

	assert_true(initramfs_create(missing, INITRAMFS_PLAIN, &fs, NULL) < 0);
	assert_null(fs);
	assert_int_equal(initramfs_create(path, INITRAMFS_PLAIN, &fs, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(initramfs_add_bytes(fs, bad[i], 0644, "", 0, NULL), ERR_INVALID);
	assert_int_equal(initramfs_add_file(fs, "/x", 0, missing, NULL), -ENOENT);
	assert_int_equal(initramfs_add_file(fs, "/x", 0, dir, NULL), ERR_INVALID);
	initramfs_free(fs);
	assert_false(file_exists(path)); /* unfinished */
}

static bool has_suffix(const struct path_list *l, const char *suffix)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_has_suffix(l->items[i], suffix))
			return true;
	return false;
}

static void test_shared_objects(void **state)
{
	(void)state;
	_cleanup_paths_ struct path_list l = { 0 }, none = { 0 };
	_cleanup_free_ char *text = path_join(dir, "script", NULL);
	_cleanup_free_ char *broken = path_join(dir, "broken", NULL);
	_cleanup_buf_ struct buf busybox = BUF_INIT(16 << 20);
	struct error err = { 0 };

	/* This test itself: cmocka and archive are direct, zlib is a library's library. */
	assert_int_equal(shared_objects_of("/proc/self/exe", &l, &err), 0);
	assert_true(path_list_has(&l, "/lib64/ld-linux-x86-64.so.2"));
	assert_true(has_suffix(&l, "/libc.so.6"));
	assert_true(has_suffix(&l, "/libcmocka.so.0"));
	assert_true(has_suffix(&l, "/libz.so.1"));
	assert_true(has_suffix(&l, "/libgcc_s.so.1"));

	assert_int_equal(file_write_atomic(text, "#!/bin/sh\n", 10, 0755, NULL), 0);
	assert_int_equal(shared_objects_of(text, &none, &err), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(file_read("/bin/busybox", &busybox, &err), 0);
	assert_int_equal(shared_objects_of("/bin/busybox", &none, &err), 0); /* static */
	assert_int_equal(none.n, 0);
	assert_int_equal(file_write_atomic(broken, busybox.data, busybox.len / 2, 0755, NULL), 0);
	assert_int_equal(shared_objects_of(broken, &none, &err), ERR_INVALID);
	assert_int_equal(shared_objects_of("/nonexistent", &none, &err), -ENOENT);
}

static void test_path_list(void **state)
{
	(void)state;
	_cleanup_paths_ struct path_list l = { 0 };
	char item[16];

	assert_int_equal(path_list_add(&l, "a"), 1);
	assert_int_equal(path_list_add(&l, "a"), 0);
	assert_false(path_list_has(&l, "b"));
	assert_null(l.items[1]);
	for (int i = 1; i < PATH_LIST_MAX; i++) {
		snprintf(item, sizeof(item), "%d", i);
		assert_int_equal(path_list_add(&l, item), 1);
	}
	assert_int_equal(path_list_add(&l, "one too many"), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),  cmocka_unit_test(test_form),
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_shared_objects),
		cmocka_unit_test(test_path_list),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
