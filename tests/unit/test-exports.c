/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a source counts for the versions of its exports, and the table to compare with. */
#include "unit.h"

#include "build/proof/exports.h"

static void outline(const char *text, struct buf *out)
{
	assert_int_equal(exports_outline(text, strlen(text), out), 0);
}

static bool same(const char *x, const char *y)
{
	_cleanup_buf_ struct buf a = BUF_INIT(4096), b = BUF_INIT(4096);

	outline(x, &a);
	outline(y, &b);
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static void bodies_do_not_count(void **state)
{
	(void)state;
	assert_true(same("int f(int a)\n{\n\treturn a;\n}\nint x;\n",
			 "int f(int a) /* why */\n{\n\tif (a) { a++; }\n\treturn a;\n}\nint x;\n"));
	assert_true(
		same("int f(void) { return '{'; }\nint y;", "int f(void) { return '}'; }\nint y;"));
	assert_true(same("int f(void) { s(\"}\\\"\"); }\nint y;", "int f(void) { }\nint y;"));
	assert_true(same("int a;  // one\nint b;", "int a; // two\nint b;"));
	assert_true(same("int a; /* x * y */ int b;", "int a; int b;"));
	assert_true(same("int x __attribute__((used));\nint f(void) { return 1; }",
			 "int x __attribute__((used));\nint f(void) { return 2; }"));
}

static void all_else_counts(void **state)
{
	(void)state;
	assert_false(same("int f(int a)\n{\n}\n", "int f(long a)\n{\n}\n"));
	assert_false(same("struct s { int a; };", "struct s { long a; };"));
	assert_false(same("struct __attribute__((packed)) { int a; } v;",
			  "struct __attribute__((packed)) { long a; } v;"));
	assert_false(same("int f(void) { }\nint x;", "int f(void) { }\nlong x;"));
	assert_false(same("enum { A };", "enum { A, B };"));
	/* a definition inside a body reaches beyond it */
	assert_false(same("int f(void)\n{\n#define T int\n}\nT x;",
			  "int f(void)\n{\n#define T long\n}\nT x;"));
	assert_false(same("#define T int\nT x;", "#define T \\\n long\nT x;"));
}

/* What a patch includes besides is left out, what the file includes is not. */
static void new_includes(void **state)
{
	struct source_line lines[] = { { "#include <a.h>", 14, 1 },
				       { "#include <b.h>", 14, 0 },
				       { "# include <c.h>", 15, 0 },
				       { "#define x", 9, 0 },
				       { "int x;", 6, 2 } };
	const struct source_file file = { .lines = lines, .line_count = ARRAY_SIZE(lines) };
	_cleanup_buf_ struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(exports_text(&file, &out), 0);
	assert_string_equal(buf_str(&out), "#include <a.h>\n#define x\nint x;\n");
}

static int note(void *user, const char *name)
{
	return buf_printf(user, "%s ", name);
}

static void versions(void **state)
{
	static const char table[] = "0x00000011\tone\tvmlinux\tEXPORT_SYMBOL\t\n"
				    "0xfffffff2\ttwo\tdrivers/x\tEXPORT_SYMBOL_GPL\tNS\n";
	char output[] =
		"#SYMVER one 0x00000011\n#SYMVER two 0xfffffff3\n#SYMVER other 0x1\n"
		"__crc_one = 0x00000012;\nnoise\n#SYMVER one 0x\n#SYMVER two 0x0000fff2\n#SYMVER two 0xfffffff2\n";
	_cleanup_symvers_ struct symvers *s = NULL;
	_cleanup_buf_ struct buf found = BUF_INIT(4096);
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "Module.symvers", NULL);
	struct error err = { 0 };
	size_t count;

	(void)state;
	assert_int_equal(file_write_atomic(path, table, strlen(table), 0644, NULL), 0);
	assert_ok(symvers_load(path, &s, &err), &err);
	assert_int_equal(symvers_find(s, "two")->crc, 0xfffffff2);
	assert_string_equal(symvers_find(s, "two")->module, "drivers/x");
	assert_string_equal(symvers_find(s, "two")->space, "NS");
	assert_null(symvers_find(s, "three"));
	assert_int_equal(exports_compare(output, s, note, &found, &count), 0);
	assert_string_equal(buf_str(&found), "two one two ");
	assert_int_equal(count, 5);
	symvers_free(s);
	s = NULL;
	assert_int_equal(file_write_atomic(path, "0x1z\ta\tvmlinux\tE\t\n", 17, 0644, NULL), 0);
	assert_int_equal(symvers_load(path, &s, NULL), ERR_INVALID);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_do_not_count),
		cmocka_unit_test(all_else_counts),
		cmocka_unit_test(new_includes),
		cmocka_unit_test(versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
