/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "wire/field.h"

static void test_text_fills_its_array(void **state _unused_)
{
	_cleanup_json_ json_t *object =
		json_pack("{s:s, s:s, s:s}", "four", "abcd", "three", "abc", "tab", "a\tb");
	char text[4] = "old";

	assert_int_equal(field_text(object, "four", 0, sizeof(text), text, NULL), ERR_INVALID);
	assert_int_equal(field_text(object, "tab", 0, sizeof(text), text, NULL), ERR_INVALID);
	assert_int_equal(field_text(object, "three", 4, sizeof(text), text, NULL), ERR_INVALID);
	assert_int_equal(field_text(object, "none", 0, sizeof(text), text, NULL), ERR_INVALID);
	assert_string_equal(text, "old");
	assert_int_equal(field_text(object, "three", 3, sizeof(text), text, NULL), 0);
	assert_string_equal(text, "abc");
}

static void test_optional_name(void **state _unused_)
{
	_cleanup_json_ json_t *object =
		json_pack("{s:s, s:n, s:i}", "good", "1.2", "null", "number", 1);
	char text[16] = "old";

	assert_int_equal(field_name_opt(object, "good", version_text_is_valid, 16, text, NULL), 0);
	assert_string_equal(text, "1.2");
	assert_int_equal(field_name_opt(object, "number", version_text_is_valid, 16, text, NULL),
			 ERR_INVALID);
	assert_string_equal(text, "1.2");
	assert_int_equal(field_name_opt(object, "null", version_text_is_valid, 16, text, NULL), 0);
	assert_string_equal(text, "");
	assert_int_equal(field_name_opt(object, "missing", version_text_is_valid, 16, text, NULL),
			 0);
}

static void test_messages_become_utf8(void **state _unused_)
{
	_cleanup_json_ json_t *object = json_object();

	assert_int_equal(field_set_message(object, "m", "cut \xc3"), 0);
	assert_string_equal(json_string_value(json_object_get(object, "m")), "cut ?");
	assert_int_equal(field_set_message(object, "m", "whole \xc3\xa9"), 0);
	assert_string_equal(json_string_value(json_object_get(object, "m")), "whole \xc3\xa9");
}

static void test_codes(void **state _unused_)
{
	assert_true(code_is_valid("not-found"));
	assert_true(code_is_valid("errno-28"));
	assert_false(code_is_valid(""));
	assert_false(code_is_valid("Not"));
	assert_false(code_is_valid("a b"));
	assert_true(code_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(code_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void test_times(void **state _unused_)
{
	_cleanup_json_ json_t *object = json_object();
	int64_t seconds = 7;

	assert_int_equal(field_set_time(object, "t", 1795000000), 0);
	assert_int_equal(field_time(object, "t", &seconds, NULL), 0);
	assert_int_equal(seconds, 1795000000);
	json_set_str(object, "t", "2026-11-22 04:00:00");
	assert_int_equal(field_time(object, "t", &seconds, NULL), ERR_INVALID);
}

static void test_objects(void **state _unused_)
{
	_cleanup_json_ json_t *object = NULL;

	assert_int_equal(field_parse_object("[]", 2, 10, &object, NULL), ERR_INVALID);
	assert_int_equal(field_parse_object("{\"a\":\"12345678\"}", 16, 15, &object, NULL),
			 ERR_TOO_LARGE);
	assert_null(object);
	assert_int_equal(field_parse_object("{}", 2, 2, &object, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_fills_its_array),
		cmocka_unit_test(test_optional_name),
		cmocka_unit_test(test_messages_become_utf8),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_objects),
	};

	return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
