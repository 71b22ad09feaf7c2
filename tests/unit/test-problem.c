/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "wire/problem.h"

static void test_round_trip(void **state _unused_)
{
	_cleanup_buf_ struct buf text = BUF_INIT(PROBLEM_MAX);
	_cleanup_json_ json_t *object = NULL;
	struct problem problem;

	assert_int_equal(problem_write(403, ERR_DENIED, "this token is not valid", &text), 0);
	assert_int_equal(problem_parse(403, text.data, text.len, &problem, NULL), 0);
	assert_int_equal(problem.status, 403);
	assert_string_equal(problem.code, "denied");
	assert_string_equal(problem.detail, "this token is not valid");
	assert_int_equal(problem_code(&problem), ERR_DENIED);
	assert_int_equal(json_parse(text.data, text.len, &object, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(object, "type")), "about:blank");
	assert_string_equal(json_string_value(json_object_get(object, "title")), "Forbidden");
	assert_int_equal(json_integer_value(json_object_get(object, "status")), 403);
}

static void test_every_code_comes_back(void **state _unused_)
{
	static const int codes[] = { ERR_INVALID, ERR_TOO_LARGE, ERR_NOT_FOUND, ERR_BAD_STATE,
				     ERR_TIMEOUT, ERR_SIGNATURE, -ENOSPC };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct problem problem = { 0 };

		strncpy(problem.code, error_code_name(codes[i]), CODE_MAX);
		assert_int_equal(problem_code(&problem), codes[i]);
	}
}

static void test_foreign_codes(void **state _unused_)
{
	static const char *const names[] = { "",        "martian",   "errno-",
					     "errno-0", "errno-28x", "errno-9999" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct problem problem = { 0 };

		strncpy(problem.code, names[i], CODE_MAX);
		assert_int_equal(problem_code(&problem), ERR_PROTOCOL);
	}
}

static void test_lenient_reading(void **state _unused_)
{
	static const struct {
		const char *text, *code, *detail;
	} cases[] = {
		{ "{}", "protocol", "status 404: Not Found" },
		{ "{\"code\": 1, \"detail\": [], \"title\": \"Lost\"}", "protocol", "Lost" },
		{ "{\"code\": \"Not Ours\", \"detail\": \"a\\nb\"}", "protocol", "a?b" },
		{ "{\"code\": \"not-found\", \"detail\": \"x\", \"more\": {}}", "not-found", "x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct problem problem;

		assert_int_equal(
			problem_parse(404, cases[i].text, strlen(cases[i].text), &problem, NULL),
			0);
		assert_string_equal(problem.code, cases[i].code);
		assert_string_equal(problem.detail, cases[i].detail);
	}
}

static void test_refused(void **state _unused_)
{
	_cleanup_free_ char *big = malloc(PROBLEM_MAX + 1);
	struct problem problem;

	memset(big, ' ', PROBLEM_MAX + 1);
	assert_int_equal(problem_parse(500, "<html>", 6, &problem, NULL), ERR_INVALID);
	assert_int_equal(problem_parse(500, "[]", 2, &problem, NULL), ERR_INVALID);
	assert_int_equal(problem_parse(500, big, PROBLEM_MAX + 1, &problem, NULL), ERR_TOO_LARGE);
}

static void test_long_detail_is_cut(void **state _unused_)
{
	_cleanup_json_ json_t *object = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT(PROBLEM_MAX);
	char detail[2 * PROBLEM_DETAIL_MAX];
	struct problem problem;

	memset(detail, 'd', sizeof(detail));
	detail[sizeof(detail) - 1] = 0;
	json_set_str(object, "detail", detail);
	assert_int_equal(json_append(object, &text), 0);
	assert_int_equal(problem_parse(500, text.data, text.len, &problem, NULL), 0);
	assert_int_equal(strlen(problem.detail), PROBLEM_DETAIL_MAX);
}

static void test_statuses(void **state _unused_)
{
	assert_int_equal(problem_status(ERR_DENIED), 403);
	assert_int_equal(problem_status(ERR_TOO_LARGE), 413);
	assert_int_equal(problem_status(-EIO), 500);
	assert_string_equal(problem_title(429), "Too Many Requests");
	assert_string_equal(problem_title(499), "Error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_every_code_comes_back),
		cmocka_unit_test(test_foreign_codes), cmocka_unit_test(test_lenient_reading),
		cmocka_unit_test(test_refused),       cmocka_unit_test(test_long_detail_is_cut),
		cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
