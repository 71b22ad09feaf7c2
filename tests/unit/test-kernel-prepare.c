/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a kernel counts as prepared. Needs gcc-12, as the kernels do. */
#include "unit.h"

#include "build/prepare/kernel_prepare.h"

extern const char preparation_code[];

struct cache {
	char *dir;
	struct kernel kernel;
};

static void put(const struct cache *c, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(c->dir, name, NULL);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, text, strlen(text), 0644, &err), &err);
}

static void put_marker(const struct cache *c, const char *code, const char *source)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"format\": 2, %s%s%s \"source\": \"%s/%s\"}",
		 code ? "\"code\": \"" : "", code ? code : "", code ? "\"," : "", c->dir, source);
	put(c, "prepared.json", text);
}

static int setup(void **state)
{
	struct cache *c = calloc(1, sizeof(*c));
	struct error err = { 0 };

	assert_non_null(c);
	c->dir = unit_make_dir();
	c->kernel = (struct kernel){ .release = (char *)"6.1.0-1-amd64",
				     .folder = c->dir,
				     .build = path_join(c->dir, "build", NULL),
				     .lock = -1 };
	_cleanup_free_ char *source = path_join(c->dir, "source", NULL);
	assert_ok(file_make_dirs(c->kernel.build, 0755, &err), &err);
	assert_ok(file_make_dirs(source, 0755, &err), &err);
	put(c, "build/.config", "CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian)\"\n");
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct cache *c = *state;

	free(c->kernel.build);
	unit_remove_dir(c->dir);
	free(c);
	return 0;
}

static void assert_not_prepared(const struct cache *c, const char *why)
{
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	struct error err = { 0 };

	assert_int_equal(kernel_prepared(&c->kernel, 1, &kb, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "6.1.0-1-amd64"));
	assert_non_null(strstr(err.message, why));
	assert_non_null(strstr(err.hint, "suture-build kernel add 6.1.0-1-amd64"));
	assert_null(kb.source);
}

static void prepared(void **state)
{
	struct cache *c = *state;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	struct error err = { 0 };

	put_marker(c, preparation_code, "source");
	assert_ok(kernel_prepared(&c->kernel, 3, &kb, &err), &err);
	assert_string_equal(kb.compiler, "gcc-12");
	assert_int_equal(kb.jobs, 3);
	assert_null(kb.laid_over);
	assert_ptr_equal(kb.kernel, &c->kernel);
}

static void prepared_for_realtime(void **state)
{
	struct cache *c = *state;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	struct error err = { 0 };
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"format\": 2, \"code\": \"%s\", \"source\": \"%s\", \"laid_over\": \"p\"}",
		 preparation_code, c->dir);
	put(c, "prepared.json", text);
	assert_ok(kernel_prepared(&c->kernel, 1, &kb, &err), &err);
	assert_string_equal(kb.laid_over, "p");
	assert_string_equal(kb.source, c->dir);
}

static void not_prepared(void **state)
{
	struct cache *c = *state;

	assert_not_prepared(c, "is not prepared");
}

/* What an older program left lacks what a newer one writes; and the other way round. */
static void by_another_program(void **state)
{
	struct cache *c = *state;

	put_marker(c, NULL, "source");
	assert_not_prepared(c, "by another version of this program");
	put_marker(c, "0123456789abcdef", "source");
	assert_not_prepared(c, "by another version of this program");
	put(c, "prepared.json", "{\"format\": 1}");
	assert_not_prepared(c, "by another version of this program");
}

static void without_source(void **state)
{
	struct cache *c = *state;

	put_marker(c, preparation_code, "gone");
	assert_not_prepared(c, "has lost the source");
}

static void damaged(void **state)
{
	struct cache *c = *state;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	struct error err = { 0 };

	put(c, "prepared.json", "{\"format\": 2");
	assert_true(kernel_prepared(&c->kernel, 1, &kb, &err) < 0);
	put_marker(c, preparation_code, "source");
	put(c, "build/.config", "");
	assert_int_equal(kernel_prepared(&c->kernel, 1, &kb, &err), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prepared, setup, teardown),
		cmocka_unit_test_setup_teardown(prepared_for_realtime, setup, teardown),
		cmocka_unit_test_setup_teardown(not_prepared, setup, teardown),
		cmocka_unit_test_setup_teardown(by_another_program, setup, teardown),
		cmocka_unit_test_setup_teardown(without_source, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
