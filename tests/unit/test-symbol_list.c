/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/symbol_list.h"
#include "unit.h"

static int load(const char *text, const char *object, struct symbol_list **ret, struct error *err)
{
	char *folder = unit_make_dir();
	_cleanup_free_ char *path = path_join(folder, "symbols", NULL);

	assert_ok(file_write_atomic(path, text, strlen(text), 0600, err), err);
	_cleanup_symbol_list_ struct symbol_list *list = symbol_list_new();
	static const char *const names[] = { "_text", "twice", "last", "imported", "inside" };

	assert_non_null(list);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(symbol_list_want(list, names[i]), 0);
	int e = symbol_list_read(list, path, object, err);
	unit_remove_dir(folder);
	if (e == 0)
		*ret = TAKE_PTR(list);
	return e;
}

static void names_are_counted(void **state)
{
	(void)state;
	static const char text[] = "ffffffff81000000 T _text\n"
				   "ffffffff81000010 t twice\n"
				   "ffffffff81000020 t twice\n"
				   "\n"
				   "                 U imported\n"
				   "ffffffffc0000000 t inside\t[nf_tables]\n"
				   "ffffffff81000030 D last";
	_cleanup_symbol_list_ struct symbol_list *kernel = NULL, *module = NULL;
	struct error err = { 0 };

	assert_ok(load(text, "vmlinux", &kernel, &err), &err);
	assert_int_equal(symbol_list_count(kernel, "_text"), 1);
	assert_int_equal(symbol_list_count(kernel, "twice"), 2);
	assert_int_equal(symbol_list_count(kernel, "last"), 1);
	assert_int_equal(symbol_list_count(kernel, "imported"), 0);
	assert_int_equal(symbol_list_count(kernel, "inside"), 0);
	assert_ok(load(text, "nf_tables", &module, &err), &err);
	assert_int_equal(symbol_list_count(module, "inside"), 1);
}

/* Longer than what is held in memory at a time. */
static void long_texts_are_read_in_parts(void **state)
{
	(void)state;
	_cleanup_symbol_list_ struct symbol_list *list = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(SYMBOL_LINE_MAX * 8);
	struct error err = { 0 };

	for (size_t i = 0; text.len < SYMBOL_LINE_MAX * 4; i++)
		assert_int_equal(buf_printf(&text, "%016zx t %s\n", i, i % 7 ? "other" : "twice"),
				 0);
	size_t wanted = 0;
	for (const char *p = buf_str(&text); (p = strstr(p, "twice")); p++)
		wanted++;
	assert_ok(load(buf_str(&text), "vmlinux", &list, &err), &err);
	assert_int_equal(symbol_list_count(list, "twice"), wanted);

	buf_clear(&text);
	while (text.len < SYMBOL_LINE_MAX + 2)
		assert_int_equal(buf_append(&text, "x", 1), 0);
	struct symbol_list *none = NULL;
	assert_int_equal(load(buf_str(&text), "vmlinux", &none, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "line 1 is too long"));
}

static void other_texts_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "x\n",
					   "0 T\n",
					   "0 TT name\n",
					   "zz T name\n",
					   "0 T name [module\n",
					   "0 T name [m] more\n" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct symbol_list *list = NULL;
		struct error err = { 0 };

		assert_int_equal(load(bad[i], "vmlinux", &list, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, "line 1"));
		assert_null(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_counted),
		cmocka_unit_test(long_texts_are_read_in_parts),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
