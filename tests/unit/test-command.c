/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/unit/command.h"
#include "build/object/symvers.h"

static void kbuild_commands(void **state)
{
	_cleanup_name_list_ struct name_list words = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_ok(
		command_parse("savedcmd_fs/x.o := gcc-12 -I/a~b  -DN='\"x y\"' -D\"q=\\\"\" -Dd=$$ "
			      "-c -o fs/x.o /s/x.c ; ./objtool fs/x.o\nsource_fs/x.o := x.c\n",
			      &words, &err),
		&err);
	assert_int_equal(words.n, 9);
	assert_string_equal(words.items[1], "-I/a~b");
	assert_string_equal(words.items[2], "-DN=\"x y\"");
	assert_string_equal(words.items[3], "-Dq=\"");
	assert_string_equal(words.items[4], "-Dd=$");
	assert_string_equal(words.items[8], "/s/x.c");
}

static void expect_refused(const char *text)
{
	_cleanup_name_list_ struct name_list words = { 0 };

	assert_int_equal(command_parse(text, &words, NULL), ERR_INVALID);
}

/* Whatever would need a shell, or is no command at all. */
static void others(void **state)
{
	(void)state;
	expect_refused("");
	expect_refused("cmd_x.o :=   \n");
	expect_refused("other := gcc\n");
	expect_refused("cmd_x.o := gcc `id`\n");
	expect_refused("cmd_x.o := gcc $(id)\n");
	expect_refused("cmd_x.o := gcc > /etc/passwd\n");
	expect_refused("cmd_x.o := gcc | sh\n");
	expect_refused("cmd_x.o := gcc 'open\n");
	expect_refused("source\ncmd_x.o := gcc\n");
}

static void exports(void **state)
{
	static const char text[] = "0x1\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x2\tnft_do\tnet/netfilter/nf-tables\tEXPORT_SYMBOL_GPL\t\n"
				   "0x3\tcxl_x\tvmlinux\tEXPORT_SYMBOL_GPL\tCXL\n";
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "Module.symvers", NULL);
	_cleanup_symvers_ struct symvers *s = NULL;
	struct symvers *none = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
	assert_ok(symvers_load(path, &s, &err), &err);
	assert_string_equal(symvers_find(s, "printk")->module, "vmlinux");
	assert_string_equal(symvers_find(s, "nft_do")->module, "net/netfilter/nf-tables");
	assert_string_equal(symvers_find(s, "cxl_x")->space, "CXL");
	assert_string_equal(symvers_find(s, "printk")->space, "");
	assert_null(symvers_find(s, "nothing"));
	assert_int_equal(file_write_atomic(path, "0x1 printk\n", 11, 0644, NULL), 0);
	assert_int_equal(symvers_load(path, &none, &err), ERR_INVALID);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kbuild_commands),
		cmocka_unit_test(others),
		cmocka_unit_test(exports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
