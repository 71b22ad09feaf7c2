/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/json.h"

static json_t *parse(const char *text)
{
	json_t *value = NULL;
	struct error err = { 0 };

	assert_ok(json_parse(text, strlen(text), &value, &err), &err);
	return value;
}

static void refuses_what_is_not_json(void **state _unused_)
{
	static const char *const bad[] = {
		"",         "{",    "{\"a\":1,\"a\":2}", "[1] x",
		"\"\xff\"", "[1,]", "{'a':1}",           "99999999999999999999"
	};
	struct error err = { 0 };
	json_t *value = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (json_parse(bad[i], strlen(bad[i]), &value, &err) != ERR_INVALID)
			fail_msg("accepted %s", bad[i]);
	assert_int_equal(json_parse(NULL, 0, &value, &err), ERR_INVALID);
	assert_null(value);
}

static void depth_is_bounded(void **state _unused_)
{
	char text[2 * (JSON_DEPTH_MAX + 1) + 1];
	struct error err = { 0 };
	json_t *value = NULL;

	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(json_parse(text, sizeof(text) - 1, &value, &err), ERR_INVALID);
	assert_int_equal(json_parse(text + 1, sizeof(text) - 3, &value, &err), 0);
	json_decref(value);
	_cleanup_json_ json_t *in_string =
		parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"");
	assert_non_null(in_string);
}

static void getters_name_the_field(void **state _unused_)
{
	_cleanup_json_ json_t *o =
		parse("{\"s\":\"text\",\"n\":5,\"b\":true,\"z\":null,\"a\":[1,2],\"o\":{}}");
	struct error err = { 0 };
	const char *s = "untouched";
	int64_t n = 7;
	bool b = false;
	json_t *v;

	assert_int_equal(json_get_str(o, "s", 4, &s, &err), 0);
	assert_string_equal(s, "text");
	assert_int_equal(json_get_str(o, "s", 3, &s, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "'s'"));
	assert_int_equal(json_get_str(o, "n", 9, &s, &err), ERR_INVALID);
	assert_int_equal(json_get_str(o, "z", 9, &s, &err), ERR_INVALID);
	assert_int_equal(json_get_str_opt(o, "z", 9, &s, &err), 0);
	assert_null(s);
	assert_int_equal(json_get_int(o, "n", 0, 4, &n, &err), ERR_INVALID);
	assert_int_equal(n, 7);
	assert_int_equal(json_get_int(o, "n", 0, 5, &n, &err), 0);
	assert_int_equal(n, 5);
	assert_int_equal(json_get_int(o, "missing", 0, 5, &n, &err), ERR_INVALID);
	assert_int_equal(json_get_int_opt(o, "missing", 0, 5, 3, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_int_equal(json_get_bool_opt(o, "b", false, &b, &err), 0);
	assert_true(b);
	assert_int_equal(json_get_bool_opt(o, "n", false, &b, &err), ERR_INVALID);
	assert_int_equal(json_get_array(o, "a", 1, &v, &err), ERR_INVALID);
	assert_int_equal(json_get_array(o, "a", 2, &v, &err), 0);
	assert_int_equal(json_get_array(o, "o", 2, &v, &err), ERR_INVALID);
	assert_int_equal(json_get_object(o, "o", 0, &v, &err), 0);
	assert_int_equal(json_get_object(o, "a", 9, &v, &err), ERR_INVALID);
}

static void zero_byte_in_a_string(void **state _unused_)
{
	struct error err = { 0 };
	json_t *value = NULL;

	/* jansson refuses \u0000 by default; the getter would as well. */
	assert_int_equal(json_parse("{\"a\":\"x\\u0000y\"}", 16, &value, &err), ERR_INVALID);
}

static void saves_and_loads(void **state _unused_)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "f.json", NULL);
	_cleanup_json_ json_t *o = parse("{\"b\":[1,\"x\"],\"a\":{}}"), *again = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(100), small = BUF_INIT(3);
	struct error err = { 0 };

	assert_ok(json_save_path(o, path, 0600, &err), &err);
	assert_ok(json_load_path(path, 1000, &again, &err), &err);
	assert_true(json_equal(o, again));
	assert_int_equal(json_append(again, &text), 0);
	assert_string_equal(buf_str(&text), "{\"b\":[1,\"x\"],\"a\":{}}");
	assert_int_equal(json_append(again, &small), ERR_TOO_LARGE);
	assert_int_equal(small.len, 0);
	json_decref(TAKE_PTR(again));
	assert_int_equal(json_load_path(path, 3, &again, &err), ERR_TOO_LARGE);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_json), cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(getters_name_the_field),   cmocka_unit_test(zero_byte_in_a_string),
		cmocka_unit_test(saves_and_loads),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
