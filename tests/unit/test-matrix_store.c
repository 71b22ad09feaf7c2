/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "lab/matrix/matrix_store.h"

#define KEY   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
	char *dir;
	struct matrix_store *store;
	struct matrix_result put, got;
};

static void put_text(struct fixture *f, const char *folder, const char *key, const char *suffix,
		     const char *text)
{
	_cleanup_free_ char *path = matrix_store_path(f->store, folder, key, suffix);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, text, strlen(text), 0600, &err), &err);
}

static void sample(struct matrix_result *r)
{
	*r = (struct matrix_result){ .key = KEY, .cpu_ms = 1234 };
	strncpy(r->trial.kernel, "6.1.0-1-amd64", sizeof(r->trial.kernel) - 1);
	strncpy(r->trial.module, "x.ko", sizeof(r->trial.module) - 1);
	strncpy(r->trial.cases[0].name, "load", sizeof(r->trial.cases[0].name) - 1);
	r->trial.cases[0].run.ms = 500;
	r->trial.n = 1;
}

static void a_result_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };

	assert_int_equal(matrix_store_get_result(f->store, KEY, &f->got, &err), ERR_NOT_FOUND);
	sample(&f->put);
	assert_ok(matrix_store_put_result(f->store, &f->put, &err), &err);
	assert_ok(matrix_store_get_result(f->store, KEY, &f->got, &err), &err);
	assert_string_equal(f->got.key, KEY);
	assert_int_equal(f->got.cpu_ms, 1234);
	assert_string_equal(f->got.trial.cases[0].name, "load");
	assert_int_equal(f->got.trial.cases[0].run.ms, 500);
	assert_true(trial_passed(&f->got.trial));
	assert_int_equal(matrix_store_get_result(f->store, OTHER, &f->got, &err), ERR_NOT_FOUND);
}

/* Cut at any byte, it is refused; and so is what lies under another's name. */
static void a_damaged_result_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *path = matrix_store_path(f->store, "results", KEY, ".json");
	_cleanup_buf_ struct buf whole = BUF_INIT(MATRIX_JSON_MAX);
	struct error err = { 0 };

	sample(&f->put);
	assert_ok(matrix_store_put_result(f->store, &f->put, &err), &err);
	assert_ok(file_read(path, &whole, &err), &err);
	put_text(f, "results", OTHER, ".json", buf_str(&whole));
	assert_int_equal(matrix_store_get_result(f->store, OTHER, &f->got, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "of another key"));
	/* The last byte is the newline after the value. */
	for (size_t len = 0; len + 1 < whole.len; len++) {
		assert_ok(file_write_atomic(path, whole.data, len, 0600, &err), &err);
		assert_int_equal(matrix_store_get_result(f->store, KEY, &f->got, &err),
				 ERR_INVALID);
		assert_non_null(strstr(err.message, KEY));
	}
}

static void a_build_is_remembered_with_its_module(void **state)
{
	struct fixture *f = *state;
	struct matrix_build build = { .key = KEY, .ms = 5, .cpu_ms = 6, .build_id = "abcd" }, got;
	struct error err = { 0 };

	assert_int_equal(hash_sha256_hex("module", 6, build.module_sha256), 0);
	assert_ok(matrix_store_put_build(f->store, &build, &err), &err);
	assert_int_equal(matrix_store_get_build(f->store, KEY, false, &got, &err), ERR_INVALID);
	assert_ok(matrix_store_get_build(f->store, KEY, true, &got, &err), &err);
	put_text(f, "modules", KEY, ".record.json", "{}");
	put_text(f, "modules", KEY, ".ko", "modulf");
	assert_int_equal(matrix_store_get_build(f->store, KEY, false, &got, &err), ERR_HASH);
	put_text(f, "modules", KEY, ".ko", "module");
	assert_ok(matrix_store_get_build(f->store, KEY, false, &got, &err), &err);
	assert_string_equal(got.module_sha256, build.module_sha256);
	assert_string_equal(got.build_id, "abcd");
	assert_int_equal(got.cpu_ms, 6);
}

static void a_refusal_is_remembered_with_its_reason(void **state)
{
	struct fixture *f = *state;
	struct matrix_build build = { .key = KEY, .status = 4, .reason = "why" }, got;
	struct error err = { 0 };

	assert_ok(matrix_store_put_build(f->store, &build, &err), &err);
	assert_ok(matrix_store_get_build(f->store, KEY, false, &got, &err), &err);
	assert_int_equal(got.status, 4);
	assert_string_equal(got.reason, "why");
}

static void a_build_that_makes_no_sense_is_refused(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"{\"format\": 2, \"key\": \"" KEY "\", \"status\": 4, \"ms\": 1, \"cpu_ms\": 1}",
		"{\"format\": 1, \"key\": \"" KEY "\", \"status\": 1, \"ms\": 1, \"cpu_ms\": 1}",
		"{\"format\": 1, \"key\": \"" KEY "\", \"status\": 0, \"ms\": 1, \"cpu_ms\": 1}",
		"{\"format\": 1, \"key\": \"" KEY "\", \"status\": 4, \"ms\": -1, \"cpu_ms\": 1}",
		"{\"format\": 1, \"key\": \"" KEY "\", \"status\": 4, \"ms\": 1, \"cpu_ms\": 1,"
		" \"module_sha256\": \"" KEY "\"}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct matrix_build got;
		struct error err = { 0 };

		put_text(f, "modules", KEY, ".json", texts[i]);
		assert_int_equal(matrix_store_get_build(f->store, KEY, true, &got, &err),
				 ERR_INVALID);
	}
}

static void one_matrix_works_in_a_folder(void **state)
{
	struct fixture *f = *state;
	struct matrix_store *second = NULL;
	struct error err = { 0 };

	assert_int_equal(matrix_store_open(f->dir, &second, &err), ERR_BAD_STATE);
	assert_null(second);
}

static int setup(void **state)
{
	static struct fixture f;
	struct error err = { 0 };

	f = (struct fixture){ .dir = unit_make_dir() };
	assert_ok(matrix_store_open(f.dir, &f.store, &err), &err);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	matrix_store_free(f->store);
	unit_remove_dir(f->dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_result_is_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_result_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_build_is_remembered_with_its_module, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_refusal_is_remembered_with_its_reason, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_build_that_makes_no_sense_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_matrix_works_in_a_folder, setup, teardown),
	};

	return cmocka_run_group_tests_name("matrix_store", tests, NULL, NULL);
}
