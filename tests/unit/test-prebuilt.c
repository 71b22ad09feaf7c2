/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of objects find the module that they belong to. */
#include "unit.h"

#include "base/process.h"
#include "build/patch/analysis.h"
#include "build/unit/prebuilt.h"

#define INFO(name)                                                                \
	"__attribute__((section(\".modinfo\"))) const char info[] = \"name=" name \
	"\\0vermagic=t\";\n"

static void run(const char *const *argv)
{
	struct error err = { 0 };
	struct process_options options = { .argv = argv, .timeout_ms = 60000 };

	assert_ok(process_run(&options, NULL, &err), &err);
}

static void compile(const char *text, const char *object)
{
	_cleanup_free_ char *source = NULL;

	assert_true(asprintf(&source, "%s.c", object) > 0);
	assert_int_equal(file_write_atomic(source, text, strlen(text), 0644, NULL), 0);
	run((const char *const[]){ "gcc", "-O2", "-c", "-o", object, source, NULL });
}

static struct shipped *target(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *object = path_join(dir, name, NULL);
	_cleanup_free_ char *linked = NULL;
	struct shipped *s = NULL;
	struct error err = { 0 };

	assert_true(asprintf(&linked, "%s.ko", object) > 0);
	compile(text, object);
	run((const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", linked, object, NULL });
	assert_ok(shipped_open_file(linked, &s, &err), &err);
	return s;
}

static void pairs_find_their_module(void **state)
{
	(void)state;
	char *dir = unit_make_dir();
	_cleanup_unit_set_ struct unit_set set = { 0 };
	_cleanup_free_ char *object = NULL, *pair = NULL;
	struct error err = { 0 };

	object = path_join(dir, "two.o", NULL);
	compile("int f(void) { return 1; } int g(void) { return 2; }", object);
	assert_true(asprintf(&pair, "%s:%s", object, object) > 0);
	assert_string_equal(prebuilt_patched(pair), object);

	struct shipped *targets[] = {
		target(dir, "one", INFO("one") "int f(void) { return 1; }"),
		target(dir, "two",
		       INFO("two") "int f(void) { return 1; } int g(void) { return 2; }"),
		target(dir, "three",
		       INFO("three") "int g(void) { return 1; } int f(void) { return 2; }"),
		target(dir, "other", INFO("other") "int h(void) { return 1; }"),
	};

	assert_ok(prebuilt_add(pair, targets, 2, &set, &err), &err);
	assert_int_equal(set.n, 1);
	assert_string_equal(set.units[0].object, "two");
	assert_string_equal(set.units[0].path, "two.o");
	assert_true(prebuilt_is(&set.units[0]));
	assert_true(set.units[0].external);
	assert_int_equal(set.units[0].original.len, set.units[0].patched.len);
	/* two modules have all of it, none has it, no pair */
	assert_int_equal(prebuilt_add(pair, targets, 3, &set, &err), ERR_INVALID);
	assert_int_equal(prebuilt_add(pair, targets + 3, 1, &set, &err), ERR_INVALID);
	assert_int_equal(prebuilt_add(pair, targets, 0, &set, &err), ERR_INVALID);
	assert_int_equal(prebuilt_add("a.o", targets, 2, &set, &err), ERR_USAGE);
	assert_int_equal(prebuilt_add("a.o:", targets, 2, &set, &err), ERR_USAGE);
	assert_int_equal(prebuilt_add("a:b:c", targets, 2, &set, &err), ERR_USAGE);
	assert_int_equal(set.n, 1);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		shipped_free(targets[i]);
	unit_remove_dir(dir);
}

/* Refused with these words, and nothing is added. */
static void expect(const char *dir, const char *original, const char *patched,
		   struct shipped *const *targets, const char *words)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	_cleanup_free_ char *pair = NULL;
	struct error err = { 0 };

	assert_true(asprintf(&pair, "%s/%s:%s/%s", dir, original, dir, patched) > 0);
	assert_true(prebuilt_add(pair, targets, 1, &set, &err) < 0);
	assert_int_equal(set.n, 0);
	if (!strstr(err.message, words))
		fail_msg("'%s' does not hold '%s'", err.message, words);
}

/* Another architecture's, or of 32 bits: one byte tells. */
static void change_byte(const char *dir, const char *from, const char *to, size_t at, uint8_t value)
{
	_cleanup_free_ char *a = path_join(dir, from, NULL), *b = path_join(dir, to, NULL);
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);

	assert_int_equal(file_read(a, &file, NULL), 0);
	file.data[at] = value;
	assert_int_equal(file_write_atomic(b, file.data, file.len, 0644, NULL), 0);
}

static void what_is_no_object(void **state)
{
	static const char f[] = "int f(void) { return 1; }\n";
	char *dir = unit_make_dir();
	_cleanup_free_ char *good = path_join(dir, "good.o", NULL);
	_cleanup_free_ char *ko = path_join(dir, "module.ko", NULL);
	_cleanup_free_ char *empty = path_join(dir, "empty.o", NULL);
	_cleanup_free_ char *text = path_join(dir, "text.o", NULL);
	_cleanup_free_ char *quoted = path_join(dir, "quoted.o", NULL);
	_cleanup_free_ char *comma = path_join(dir, "comma.o", NULL);
	_cleanup_free_ char *rust = path_join(dir, "rust.o", NULL);
	struct shipped *targets[] = { target(dir, "one", INFO("one") "int f(void) { return 1; }") };

	(void)state;
	compile(f, good);
	compile("int f(void) { return 1; }\n"
		"__attribute__((section(\".gnu.linkonce.this_module\"))) int this_module;\n",
		ko);
	assert_int_equal(file_write_atomic(empty, "", 0, 0644, NULL), 0);
	assert_int_equal(file_write_atomic(text, f, strlen(f), 0644, NULL), 0);
	change_byte(dir, "good.o", "arm.o", 18, EM_AARCH64);
	change_byte(dir, "good.o", "narrow.o", EI_CLASS, ELFCLASS32);
	change_byte(dir, "good.o", "program.o", 16, ET_EXEC);
	compile("int f(void) { return 1; }\n__asm__(\"\\\"g \\\\\\\");//\\\": ret\");\n", quoted);
	compile("int f(void) { return 1; }\n__asm__(\"\\\"g,1\\\": ret\");\n", comma);
	compile("int f(void) { return 1; }\n__asm__(\"_RNv.a$1.b: ret\");\n", rust);
	expect(dir, "quoted.o", "good.o", targets, "quoted.o");
	expect(dir, "good.o", "quoted.o", targets, "quoted.o");
	expect(dir, "good.o", "comma.o", targets, "'g,1' is no name of C");
	expect(dir, "rust.o", "comma.o", targets, "comma.o");
	expect(dir, "missing.o", "good.o", targets, "missing.o");
	expect(dir, "good.o", "missing.o", targets, "missing.o");
	expect(dir, "empty.o", "good.o", targets, "empty.o");
	expect(dir, "good.o", "text.o", targets, "text.o");
	expect(dir, "arm.o", "good.o", targets, "arm.o");
	expect(dir, "narrow.o", "good.o", targets, "narrow.o");
	expect(dir, "program.o", "good.o", targets, "program.o");
	expect(dir, "module.ko", "module.ko", targets, "module.ko is a finished module");
	expect(dir, "good.o", "module.ko", targets, "module.ko is a finished module");
	shipped_free(targets[0]);
	unit_remove_dir(dir);
}

/* The name becomes part of the livepatch's C text. */
static void what_names_no_module(void **state)
{
	static const char *const bad[] = {
		INFO(""),
		INFO("a\\\"b"),
		INFO("a\\nb"),
		INFO("../a"),
		INFO("a.b"),
		INFO("a,b"),
		INFO("a-b"),
		INFO("a b"),
		INFO("a1234567890123456789012345678901234567890123456789012345"),
	};
	char *dir = unit_make_dir();
	_cleanup_free_ char *file = path_join(dir, "a.o", NULL);
	_cleanup_analysis_ struct analysis *a = NULL;
	_cleanup_free_ char *kernel = path_join(dir, "kernel.ko", NULL);
	const char *const files[] = { kernel };
	const struct analysis_options options = { .targets = files, .target_count = 1 };
	const struct kbuild kbuild = { 0 };
	struct shipped *s = NULL;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		compile(bad[i], file);
		assert_int_equal(shipped_open_file(file, &s, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, "no name of a module"));
		err = (struct error){ 0 };
	}
	shipped_free(target(dir, "kernel", INFO("vmlinux")));
	assert_int_equal(analysis_new(&kbuild, &options, &a, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "the kernel itself"));
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_find_their_module),
		cmocka_unit_test(what_is_no_object),
		cmocka_unit_test(what_names_no_module),
	};
	return cmocka_run_group_tests_name("prebuilt", tests, NULL, NULL);
}
