/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash over a folder: of every name and content in it, and of nothing else. */
#include "unit.h"

#include "base/file.h"
#include "base/hash.h"
#include "build/patch/inputs.h"

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name, NULL);
	_cleanup_free_ char *folder = path ? strndup(path, (size_t)(path_base(path) - path)) : NULL;

	assert_non_null(folder);
	assert_int_equal(file_make_dirs(folder, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void every_file_counts(void **state)
{
	static const struct {
		const char *name, *text;
		bool counts;
	} steps[] = {
		{ "b/c", "2", true },      /* another content, deeper */
		{ "a", "2", true },        /* ... at the top */
		{ "a", "2", false },       /* the same once more */
		{ "d", "", true },         /* an empty file more */
		{ "b/e/f", "x", true },    /* a folder more */
		{ ".hidden", "x", false }, /* what begins with a dot */
		{ "b/.hidden", "x", false },
	};
	char last[SHA256_HEX_LEN + 1], now[SHA256_HEX_LEN + 1];
	char *dir = unit_make_dir();
	struct error err = { 0 };

	(void)state;
	put(dir, "a", "1");
	put(dir, "b/c", "1");
	assert_ok(inputs_hash_tree(dir, last, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		put(dir, steps[i].name, steps[i].text);
		assert_ok(inputs_hash_tree(dir, now, &err), &err);
		if (streq(now, last) == steps[i].counts)
			fail_msg("%s", steps[i].name);
		memcpy(last, now, sizeof(last));
	}
	unit_remove_dir(dir);
}

static void names_count_and_their_folder_does_not(void **state)
{
	char one[SHA256_HEX_LEN + 1], two[SHA256_HEX_LEN + 1], three[SHA256_HEX_LEN + 1];
	char *a = unit_make_dir(), *b = unit_make_dir(), *c = unit_make_dir();

	(void)state;
	put(a, "x", "1");
	put(a, "y/z", "2");
	put(b, "y/z", "2"); /* in another order */
	put(b, "x", "1");
	put(c, "x", "2"); /* the contents swapped */
	put(c, "y/z", "1");
	assert_int_equal(inputs_hash_tree(a, one, NULL), 0);
	assert_int_equal(inputs_hash_tree(b, two, NULL), 0);
	assert_int_equal(inputs_hash_tree(c, three, NULL), 0);
	assert_string_equal(one, two);
	assert_string_not_equal(one, three);
	unit_remove_dir(a);
	unit_remove_dir(b);
	assert_true(inputs_hash_tree("/nonexistent", one, NULL) < 0);
	unit_remove_dir(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_counts),
		cmocka_unit_test(names_count_and_their_folder_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
