/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

static void message_and_code(void **state _unused_)
{
	struct error err = { 0 };

	assert_int_equal(error_set(&err, ERR_HASH, "file %s", "x"), ERR_HASH);
	assert_int_equal(err.code, ERR_HASH);
	assert_string_equal(err.message, "file x");
	assert_int_equal(error_set(NULL, ERR_HASH, "no place"), ERR_HASH);
	assert_int_equal(error_set_errno(&err, ENOSPC, "write"), -ENOSPC);
	assert_string_equal(err.message, "write: No space left on device");
}

static void prefix_keeps_hint_and_code(void **state _unused_)
{
	struct error err = { 0 };

	error_set(&err, ERR_EXPIRED, "too old");
	error_hint(&err, "renew it");
	assert_int_equal(error_prefix(&err, ERR_INVALID, "root %d", 3), ERR_EXPIRED);
	assert_string_equal(err.message, "root 3: too old");
	assert_string_equal(err.hint, "renew it");
}

static void outside_text_is_cleaned_and_cut(void **state _unused_)
{
	struct error err = { 0 };
	char longer[2 * ERROR_MESSAGE_MAX];

	error_set(&err, ERR_INVALID, "%s", "\u00e9\u2026 a\xc2\x9b b\xe2\x80\xae c\xe2\x81\xa6");
	assert_string_equal(err.message, "\u00e9\u2026 a?? b??? c???");
	error_set(&err, ERR_INVALID, "%s", "cut \xe2\x80");
	assert_string_equal(err.message, "cut \xe2\x80");
	error_set(&err, ERR_INVALID, "%s", "a\x1b[31m\nb");
	assert_string_equal(err.message, "a?[31m?b");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	error_set(&err, ERR_INVALID, "%s", longer);
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	assert_string_equal(err.message + ERROR_MESSAGE_MAX - 4, "...");
}

static void message_made_of_itself(void **state _unused_)
{
	struct error err = { 0 };

	error_set(&err, ERR_INVALID, "inner");
	error_set(&err, ERR_CHILD, "outer: %s", err.message);
	assert_string_equal(err.message, "outer: inner");
}

static void a_part_is_taken_out(void **state _unused_)
{
	struct error err = { 0 };

	error_set(&err, ERR_CHILD, "/tmp/x/a.c:1: /tmp/x/b.h, not /tmp/y");
	error_remove(&err, "/tmp/x/");
	assert_string_equal(err.message, "a.c:1: b.h, not /tmp/y");
	error_remove(&err, "");
	error_remove(NULL, "a");
	assert_string_equal(err.message, "a.c:1: b.h, not /tmp/y");
}

static void names_are_stable(void **state _unused_)
{
	assert_string_equal(error_code_name(ERR_WRONG_KERNEL), "wrong-kernel");
	assert_string_equal(error_code_name(ERR_NOT_LISTED), "not-listed");
	assert_string_equal(error_code_name(-ENOSPC), "errno-28");
	assert_string_equal(error_code_name(0), "ok");
}

static void names_lead_back(void **state _unused_)
{
	static const char *const bad[] = { "",
					   "ok",
					   "Denied",
					   "errno-",
					   "errno-0",
					   "errno-01",
					   "errno--1",
					   "errno-1000",
					   "errno-2x",
					   "errno-+2",
					   "errno-99999999999999999999" };

	assert_int_equal(error_code_parse("wrong-kernel"), ERR_WRONG_KERNEL);
	assert_int_equal(error_code_parse(error_code_name(-ENOSPC)), -ENOSPC);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(error_code_parse(bad[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_and_code),
		cmocka_unit_test(prefix_keeps_hint_and_code),
		cmocka_unit_test(outside_text_is_cleaned_and_cut),
		cmocka_unit_test(message_made_of_itself),
		cmocka_unit_test(a_part_is_taken_out),
		cmocka_unit_test(names_are_stable),
		cmocka_unit_test(names_lead_back),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
