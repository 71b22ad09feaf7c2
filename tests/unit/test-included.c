/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C files that include C files, in a small tree. */
#include "unit.h"

#include <sys/stat.h>

#include "build/included.h"

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name, NULL);

	assert_non_null(path);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static char *make_tree(void)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *fs = path_join(dir, "fs", NULL), *sub = path_join(dir, "fs/sub", NULL);

	assert_true(fs && sub);
	assert_int_equal(mkdir(fs, 0755), 0);
	assert_int_equal(mkdir(sub, 0755), 0);
	put(dir, "fs/x.c", "int f(void) { return 1; }\n");
	put(dir, "fs/compat.c", "#define f g\n #  include \"x.c\"");
	put(dir, "fs/off.c", "#ifdef NEVER\n#include <fs/x.c>\n#endif\nint h;\n");
	put(dir, "fs/other.c",
	    "/* x.c */\n#include \"xx.c\"\n#include \"x.c.h\"\n#define a \"x.c\"\n");
	put(dir, "fs/x.h", "#include \"x.c\"\n");
	put(dir, "fs/sub/deep.c", "int d;\n");
	put(dir, "fs/above.c", "#include \"sub/deep.c\"\n");
	return dir;
}

static void candidates(void **state)
{
	_cleanup_name_list_ struct name_list x = { 0 }, deep = { 0 }, none = { 0 };
	struct error err = { 0 };
	char *dir = make_tree();

	(void)state;
	assert_ok(included_candidates(dir, "fs/x.c", &x, &err), &err);
	assert_int_equal(x.n, 2);
	assert_true(name_list_has(&x, "fs/compat.c"));
	assert_true(name_list_has(&x, "fs/off.c"));
	assert_ok(included_candidates(dir, "fs/sub/deep.c", &deep, &err), &err);
	assert_int_equal(deep.n, 1);
	assert_string_equal(deep.items[0], "fs/above.c");
	assert_ok(included_candidates(dir, "fs/compat.c", &none, &err), &err);
	assert_int_equal(none.n, 0);
	unit_remove_dir(dir);
}

static bool is_read(const char *dir, const char *source, const char *path)
{
	static const char *const words[] = { "gcc", "-Wp,-MMD,fs/.x.d", "-DA", "-c", "-o", "x.o" };
	_cleanup_name_list_ struct name_list command = { 0 };
	_cleanup_free_ char *full = path_join(dir, source, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(name_list_add(&command, words[i]), 0);
	assert_int_equal(name_list_add(&command, full), 0);
	return included_is_read(&command, dir, path);
}

static void what_the_compiler_reads(void **state)
{
	char *dir = make_tree();

	(void)state;
	assert_true(is_read(dir, "fs/compat.c", "fs/x.c"));
	assert_true(is_read(dir, "fs/above.c", "fs/sub/deep.c"));
	assert_false(is_read(dir, "fs/above.c", "fs/sub/deep.h"));
	assert_false(is_read(dir, "fs/off.c", "fs/x.c"));
	assert_false(is_read(dir, "fs/other.c", "fs/x.c")); /* does not compile */
	assert_false(is_read(dir, "fs/missing.c", "fs/x.c"));
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates),
		cmocka_unit_test(what_the_compiler_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
