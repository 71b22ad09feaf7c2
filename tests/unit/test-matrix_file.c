/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "lab/matrix/matrix_file.h"

static int parse(const char *text, struct matrix_file *ret, struct error *err)
{
	return matrix_file_parse(text, strlen(text), "/there", ret, err);
}

static void everything_that_can_be_said(void **state)
{
	static const char text[] = "# all of it\n"
				   "[matrix]\n"
				   "kernels = 6.1/cloud-amd64 newest:6.12/*\n"
				   "cases = load take-back\n"
				   "cycles = 7\n"
				   "timeout = 30\n"
				   "limit = 100\n"
				   "[patch new]\n"
				   "source = a.patch /abs/b.patch\n"
				   "version = 1.10\n"
				   "earlier = old older\n"
				   "reproducer = shows\n"
				   "sleeper = sleeps\n"
				   "load = mana nf_tables\n"
				   "kernels = 6.1/*\n"
				   "[patch old]\n"
				   "source = a.patch\n"
				   "version = 1.9\n"
				   "tried = no\n"
				   "[patch older]\n"
				   "module = old.ko\n"
				   "[machine big]\n"
				   "cpus = 4\n"
				   "memory = 2048\n"
				   "accel = tcg-multi\n"
				   "cpu = Haswell\n"
				   "type = q35\n"
				   "secure-boot = yes\n"
				   "[machine small]\n";
	_cleanup_matrix_file_ struct matrix_file f = { 0 };
	char words[MATRIX_MACHINE_MAX];
	struct error err = { 0 };

	(void)state;
	assert_ok(parse(text, &f, &err), &err);
	assert_int_equal(f.kernels.n, 2);
	assert_string_equal(f.kernels.items[1], "newest:6.12/*");
	assert_int_equal(f.cases.n, 2);
	assert_int_equal(f.cycles, 7);
	assert_int_equal(f.timeout_ms, 30000);
	assert_int_equal(f.limit_ms, 100000);
	assert_int_equal(f.patches_n, 3);

	const struct matrix_patch *p = &f.patches[0];

	assert_string_equal(p->name, "new");
	assert_string_equal(p->version, "1.10");
	assert_string_equal(p->sources.items[0], "/there/a.patch");
	assert_string_equal(p->sources.items[1], "/abs/b.patch");
	assert_string_equal(p->reproducer, "/there/shows");
	assert_string_equal(p->sleeper, "/there/sleeps");
	assert_string_equal(p->load.items[1], "nf_tables");
	assert_string_equal(p->kernels.items[0], "6.1/*");
	assert_int_equal(p->earlier_n, 2);
	assert_int_equal(p->earlier[0], 1);
	assert_int_equal(p->earlier[1], 2);
	assert_true(p->tried);
	assert_false(f.patches[1].tried);
	assert_string_equal(f.patches[2].module, "/there/old.ko");
	assert_int_equal(f.machines_n, 2);
	matrix_machine_describe(&f.machines[0], words);
	assert_string_equal(words, "q35, 4 cpus, 2048 MB, tcg-multi, Haswell, secure boot");
	matrix_machine_describe(&f.machines[1], words);
	assert_string_equal(words, "pc, 1 cpu, 512 MB, tcg");
}

static void little_is_enough(void **state)
{
	_cleanup_matrix_file_ struct matrix_file f = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_ok(parse("[matrix]\n[patch a]\nmodule = a.ko\n", &f, &err), &err);
	assert_string_equal(f.kernels.items[0], "*");
	assert_int_equal(f.cases.n, 0);
	assert_int_equal(f.machines_n, 1);
	assert_string_equal(f.machines[0].name, "standard");
}

static void errors_name_line_and_section(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "there is no section [matrix]" },
		{ "[patch a]\nmodule = a\n", "there is no section [matrix]" },
		{ "[matrix]\n", "there is no [patch NAME] to try" },
		{ "[matrix]\n[patch a]\nmodule = a\ntried = no\n", "there is no [patch NAME]" },
		{ "[matrix]\nkernels =\n[patch a]\nmodule = a\n", "kernels: names none" },
		{ "[matrix]\nkernels = 6.1\n",
		  "line 1: [matrix]: kernels: '6.1' names no kernels" },
		{ "[matrix]\ncolour = red\n", "line 2: colour: no such key" },
		{ "[matrix]\n[kernel a]\n", "line 2: [kernel]: no such kind" },
		{ "[matrix]\n[patch a]\n", "line 2: [patch a]: source or module: one of them is" },
		{ "[matrix]\n[patch a]\nmodule = a\nsource = b\n", "one of them only" },
		{ "[matrix]\n[patch a]\nsource = b\n", "version: needed where a patch is built" },
		{ "[matrix]\n[patch a]\nsource = b\nversion = 1\n", "'1' is not MAJOR.MINOR" },
		{ "[matrix]\n[patch a]\nsource = b\nversion = 1000000.1000000\n", "not MAJOR" },
		{ "[matrix]\n[patch a]\nmodule =\n", "module: names no file" },
		{ "[matrix]\n[patch a]\nmodule = a\nearlier = b\n",
		  "'b' is no other [patch NAME]" },
		{ "[matrix]\n[patch a]\nmodule = a\nearlier = a\n",
		  "'a' is no other [patch NAME]" },
		{ "[matrix]\n[patch a]\nsource = a\nversion = 1.2\nearlier = b\n"
		  "[patch b]\nsource = a\nversion = 1.10\n",
		  "line 2: [patch a]: earlier: b is version 1.10, not lower than 1.2" },
		{ "[matrix]\n[patch a]\nmodule = a\nkernels = x y\n", "[patch a]: kernels: 'x'" },
		{ "[matrix]\n[machine m]\ncpus = 65\n",
		  "line 3: cpus: '65' is not a whole number" },
		{ "[matrix]\n[machine m]\naccel = fast\n", "'fast' is not one of tcg|tcg-multi" },
		{ "[matrix]\ncases = load unload\n",
		  "line 1: [matrix]: cases: there is no case 'unload'" },
		{ "[matrix]\n[machine m]\ntype = pc\nsecure-boot = yes\n", "needs the type q35" },
		{ "[matrix]\n[machine m]\ncpu =\n", "[machine m]: cpu: is empty" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct matrix_file f = { 0 };
		struct error err = { 0 };

		assert_int_equal(parse(cases[i].text, &f, &err), ERR_INVALID);
		if (!strstr(err.message, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
		assert_null(f.patches);
	}
}

static void too_much_is_refused(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(100000);
	struct matrix_file f = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(buf_append_str(&text, "[matrix]\ncases ="), 0);
	for (int i = 0; i <= MATRIX_WORDS_MAX; i++)
		assert_int_equal(buf_append_str(&text, " load"), 0);
	assert_int_equal(parse(buf_str(&text), &f, &err), ERR_TOO_LARGE);
	buf_clear(&text);
	assert_int_equal(buf_append_str(&text, "[matrix]\n"), 0);
	for (int i = 0; i <= MATRIX_MACHINES_MAX; i++)
		assert_int_equal(buf_printf(&text, "[machine m%d]\n", i), 0);
	assert_int_equal(parse(buf_str(&text), &f, &err), ERR_TOO_LARGE);
	buf_clear(&text);
	assert_int_equal(buf_append_str(&text, "[matrix]\n"), 0);
	for (int i = 0; i <= MATRIX_PATCHES_MAX; i++)
		assert_int_equal(buf_printf(&text, "[patch p%d]\nmodule = a\n", i), 0);
	assert_int_equal(parse(buf_str(&text), &f, &err), ERR_TOO_LARGE);
}

/* What the file names must be there, from the file's own folder. */
static void named_files_are_looked_for(void **state)
{
	_cleanup_matrix_file_ struct matrix_file f = { 0 };
	_cleanup_free_ char *dir = NULL, *path = NULL, *module = NULL;
	struct error err = { 0 };
	static const char text[] = "[matrix]\n\n[patch a]\nmodule = a.ko\n";

	(void)state;
	char *made = unit_make_dir();

	dir = realpath(made, NULL);
	path = path_join(dir, "x.matrix", NULL);
	module = path_join(dir, "a.ko", NULL);
	assert_ok(file_write_atomic(path, text, strlen(text), 0600, &err), &err);
	assert_int_equal(matrix_file_load(path, &f, &err), -ENOENT);
	assert_non_null(strstr(err.message, "x.matrix: line 3: [patch a]: "));
	assert_ok(file_write_atomic(module, "", 0, 0600, &err), &err);
	assert_ok(matrix_file_load(path, &f, &err), &err);
	assert_string_equal(f.patches[0].module, module);
	unit_remove_dir(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_can_be_said),
		cmocka_unit_test(little_is_enough),
		cmocka_unit_test(errors_name_line_and_section),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(named_files_are_looked_for),
	};

	return cmocka_run_group_tests_name("matrix_file", tests, NULL, NULL);
}
