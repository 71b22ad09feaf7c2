/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "package/unpack.h"

/* One entry of an archive that the test writes. */
struct item {
	const char *name;
	unsigned int type;  /* AE_IF… */
	const char *target; /* of a link, or NULL */
	const char *hard;   /* of a hard link */
	const char *text;
};

static void write_tar(struct archive *a, const struct item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct archive_entry *e = archive_entry_new();
		const char *text = items[i].text ? items[i].text : "";

		archive_entry_set_pathname(e, items[i].name);
		archive_entry_set_filetype(e, items[i].type);
		archive_entry_set_perm(e, 0755);
		if (items[i].target)
			archive_entry_set_symlink(e, items[i].target);
		if (items[i].hard)
			archive_entry_set_hardlink(e, items[i].hard);
		archive_entry_set_size(e, items[i].type == AE_IFREG ? (la_int64_t)strlen(text) : 0);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		if (items[i].type == AE_IFREG)
			archive_write_data(a, text, strlen(text));
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static char *make_tar(const char *dir, const struct item *items, size_t n)
{
	char *path = path_join(dir, "x.tar", NULL);
	struct archive *a = archive_write_new();

	assert_non_null(path);
	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	write_tar(a, items, n);
	return path;
}

/* Unpacks the items into DIR/out; the folder's name goes to the caller. */
static int unpack(const char *dir, const struct item *items, size_t n, struct error *err)
{
	_cleanup_free_ char *tar = make_tar(dir, items, n);
	_cleanup_free_ char *out = path_join(dir, "out", NULL);
	struct unpack_options options = { .dest = out };

	assert_int_equal(file_remove_tree(out, NULL), 0);
	assert_int_equal(mkdir(out, 0755), 0);
	return unpack_tar(tar, &options, err);
}

static void files_folders_and_links(void **state)
{
	static const struct item items[] = {
		{ "./", AE_IFDIR, NULL, NULL, NULL },
		{ "./a/b/file", AE_IFREG, NULL, NULL, "hello" },
		{ "./a/link", AE_IFLNK, "../a/b/file", NULL, NULL },
	};
	char *dir = unit_make_dir();
	_cleanup_free_ char *file = path_join(dir, "out/a/link", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(100);
	struct error err = { 0 };

	(void)state;
	assert_ok(unpack(dir, items, ARRAY_SIZE(items), &err), &err);
	assert_ok(file_read(file, &text, &err), &err);
	assert_string_equal(buf_str(&text), "hello");
	unit_remove_dir(dir);
}

static void expect_refused(const struct item *items, size_t n)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *outside = path_join(dir, "evil", NULL);
	struct error err = { 0 };

	assert_int_equal(unpack(dir, items, n, &err), ERR_INVALID);
	assert_false(file_exists(outside));
	unit_remove_dir(dir);
}

static void nothing_leaves_the_folder(void **state)
{
	static const struct item dots[] = { { "a/../../evil", AE_IFREG, NULL, NULL, "x" } };
	static const struct item root[] = { { "/tmp/suture-evil", AE_IFREG, NULL, NULL, "x" } };
	static const struct item out_link[] = { { "l", AE_IFLNK, "../evil", NULL, NULL } };
	static const struct item root_link[] = { { "l", AE_IFLNK, "/etc", NULL, NULL } };
	static const struct item through[] = { { "l", AE_IFLNK, ".", NULL, NULL },
					       { "l/f", AE_IFREG, NULL, NULL, "x" } };
	static const struct item over[] = { { "d", AE_IFDIR, NULL, NULL, NULL },
					    { "l", AE_IFLNK, "d", NULL, NULL },
					    { "l", AE_IFREG, NULL, NULL, "x" } };
	static const struct item hard[] = { { "f", AE_IFREG, NULL, NULL, "x" },
					    { "h", AE_IFREG, NULL, "f", NULL } };
	static const struct item device[] = { { "d", AE_IFIFO, NULL, NULL, NULL } };

	(void)state;
	expect_refused(dots, ARRAY_SIZE(dots));
	expect_refused(root, ARRAY_SIZE(root));
	expect_refused(out_link, ARRAY_SIZE(out_link));
	expect_refused(root_link, ARRAY_SIZE(root_link));
	expect_refused(over, ARRAY_SIZE(over));
	expect_refused(hard, ARRAY_SIZE(hard));
	expect_refused(device, ARRAY_SIZE(device));

	/* A path through a link inside is refused by the system, with another code. */
	char *dir = unit_make_dir();

	assert_true(unpack(dir, through, ARRAY_SIZE(through), NULL) < 0);
	unit_remove_dir(dir);
}

static bool keep_b(void *user, const char *name, char dest[static PATH_MAX])
{
	(void)user;
	if (!streq(name, "b"))
		return false;
	snprintf(dest, PATH_MAX, "renamed/b");
	return true;
}

static void a_package(void **state)
{
	static const struct item items[] = { { "./a", AE_IFREG, NULL, NULL, "1" },
					     { "./b", AE_IFREG, NULL, NULL, "2" } };
	char *dir = unit_make_dir();
	_cleanup_free_ char *tar = make_tar(dir, items, 2), *deb = path_join(dir, "x.deb", NULL);
	_cleanup_free_ char *left = path_join(dir, "a", NULL),
			    *kept = path_join(dir, "renamed/b", NULL);
	_cleanup_buf_ struct buf data = BUF_INIT(1 << 20);
	struct unpack_options options = { .dest = dir, .map = keep_b };
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	struct error err = { 0 };

	(void)state;
	assert_ok(file_read(tar, &data, &err), &err);
	archive_write_set_format_ar_svr4(a);
	assert_int_equal(archive_write_open_filename(a, deb), ARCHIVE_OK);
	archive_entry_set_pathname(e, "data.tar.gz");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)data.len);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	archive_write_data(a, data.data, data.len);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	assert_ok(unpack_deb(deb, &options, &err), &err);
	assert_true(file_exists(kept));
	assert_false(file_exists(left));

	/* Cut in the middle: an error, not half a package taken for a whole one. */
	assert_int_equal(truncate(deb, (off_t)data.len / 2), 0);
	assert_int_equal(file_remove(kept, NULL), 0);
	assert_true(unpack_deb(deb, &options, &err) < 0);
	assert_true(unpack_deb(tar, &options, &err) < 0);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_folders_and_links),
		cmocka_unit_test(nothing_leaves_the_folder),
		cmocka_unit_test(a_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
