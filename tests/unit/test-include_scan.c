/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a text may include. */
#include "unit.h"

#include "build/unit/include_scan.h"

/* The names, one a line. */
static void expect(const char *text, const char *names)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	_cleanup_buf_ struct buf got = BUF_INIT(1 << 16);

	assert_int_equal(include_scan(text, strlen(text), &list), 0);
	for (size_t i = 0; i < list.n; i++)
		assert_int_equal(buf_printf(&got, "%s\n", list.items[i]), 0);
	assert_string_equal(buf_str(&got), names);
}

static void lines(void **state)
{
	(void)state;
	expect("#include <linux/a.h>\n#include \"b.h\"\n", "<linux/a.h\n\"b.h\n");
	expect(" # /* x */ include\t<a.h>", "<a.h\n");
	expect("/* c */ #include \"a.h\" /* d */\n#include \"a.h\"\n", "\"a.h\n");
	expect("#include_next <a.h>\n", "<a.h\n");
	expect("#import \"a.h\"\n%:include <b.h>\n % :include <c.h>\n", "\"a.h\n<b.h\n");
	expect("int include;\n#include_x <a.h>\n#includes <b.h>\n# pragma once\n", "");
	expect("x #include <a.h>\n", "");
}

static void conditions_are_not_evaluated(void **state)
{
	(void)state;
	expect("#if 0\n#include <a.h>\n#else\n#include <b.h>\n#endif\n", "<a.h\n<b.h\n");
	expect("#if defined(X) && __has_include(<a.h>)\n#elif __has_include(\"b.h\")\n#endif\n",
	       "<a.h\n\"b.h\n");
}

static void comments_and_strings(void **state)
{
	(void)state;
	expect("/*\n#include <a.h>\n*/\n#include <b.h>\n", "<b.h\n");
	expect("// x \\\n#include <a.h>\n#include <b.h>\n", "<b.h\n");
	expect("char *s = \"/*\";\n#include <a.h>\n/* \" */\n#include <b.h>\n", "<a.h\n<b.h\n");
	expect("char c = '\"', *s = \"\\\\\"; /*\n#include <a.h>\n*/\n", "");
	/* One apostrophe in what is no C, as in #error and assembler, ends with its line. */
	expect("#error don't /* x\n*/\n#include <a.h>\n", "<a.h\n");
	expect("isn't\n#include <a.h>\n", "<a.h\n");
	expect("#define X \"a\\\n/*\"\n#include <a.h>\n", "<a.h\n");
}

static void continued_lines(void **state)
{
	(void)state;
	expect("#inc\\\nlude \\\n<a.h>\n", "<a.h\n");
	expect("#define X \\\n#include <a.h>\n#include <b.h>\n", "<b.h\n");
	expect("#include <a.h>\r\n#include \\\r\n<b.h>\r\n", "<a.h\n<b.h\n");
}

static void computed_includes(void **state)
{
	(void)state;
	expect("#define FILE_TO_READ <linux/x.h>\n#include FILE_TO_READ\n", "<linux/x.h\n");
	expect("#define FILE_TO_READ \"x.h\"\n#define NAME \"text\"\n", "\"x.h\n");
	expect("#define TRACE_SYSTEM sock\n#include <trace/define_trace.h>\n",
	       "<trace/define_trace.h\n<trace/events/sock.h\n\"sock.h\n");
	expect("#define TRACE_SYSTEM a\n#define TRACE_INCLUDE_PATH ../../fs/b\n"
	       "#define TRACE_INCLUDE_FILE c\n",
	       "<../../fs/b/c.h\n\"c.h\n");
}

static void cut_off(void **state)
{
	static const char text[] = "#include <a.h>\n/* \"#include \\\n'x' <b.h> //";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		_cleanup_name_list_ struct name_list list = { 0 };
		_cleanup_free_ char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		assert_int_equal(include_scan(copy, n, &list), 0);
		assert_true(list.n <= 1);
	}
}

static void out_of_the_tree(void **state)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *folder = path_join(dir, "mm/kasan", NULL),
			    *header = path_join(dir, "mm/slab.h", NULL);

	(void)state;
	assert_int_equal(file_make_dirs(folder, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(header, "", 0, 0644, NULL), 0);
	assert_false(include_leads_out(dir, "mm/kasan/a.c", "\"b.h"));
	assert_false(include_leads_out(dir, "mm/kasan/a.c", "<linux/b.h"));
	assert_false(include_leads_out(dir, "mm/kasan/a.c", "\"../slab.h"));
	assert_false(include_leads_out(dir, "mm/kasan/a.c", "\"../../mm/slab.h"));
	assert_false(include_leads_out(dir, "mm/kasan/a.c", "<../kernel/smpboot.h"));
	assert_true(include_leads_out(dir, "mm/kasan/a.c", "\"/etc/shadow"));
	assert_true(include_leads_out(dir, "mm/kasan/a.c", "</etc/shadow"));
	assert_true(include_leads_out(dir, "mm/kasan/a.c", "\"../../../mm/slab.h"));
	assert_true(include_leads_out(dir, "mm/kasan/a.c", "\"../../etc/shadow"));
	assert_true(include_leads_out(dir, "mm/kasan/a.c", "<../../etc/shadow"));
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(conditions_are_not_evaluated),
		cmocka_unit_test(comments_and_strings),
		cmocka_unit_test(continued_lines),
		cmocka_unit_test(computed_includes),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(out_of_the_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
