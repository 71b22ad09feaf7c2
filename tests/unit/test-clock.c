/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/clock.h"

static void there_and_back(void **state _unused_)
{
	static const int64_t points[] = { 0, 1, 951782400, 1795320000, 4102444800, 253402300799 };

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		char text[CLOCK_TEXT_MAX];
		int64_t seconds = -1;

		clock_format(points[i], text);
		assert_int_equal(clock_parse(text, &seconds), 0);
		assert_int_equal(seconds, points[i]);
	}
}

static void known_points(void **state _unused_)
{
	char text[CLOCK_TEXT_MAX];
	int64_t seconds;

	assert_int_equal(clock_parse("2000-02-29T00:00:00Z", &seconds), 0);
	assert_int_equal(seconds, 951782400);
	clock_format(-5, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void only_the_one_form(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"2026-11-22",
		"2026-11-22T04:18:00",
		"2026-11-22T04:18:00+00:00",
		"2026-11-22 04:18:00Z",
		"2026-11-22T04:18:00.5Z",
		"2026-02-30T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-11-22T24:00:00Z",
		"2026-11-22T04:60:00Z",
		"1969-12-31T23:59:59Z",
		"2026-11-22T04:18:00Zx",
		"+026-11-22T04:18:00Z",
	};
	int64_t seconds = 42;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (clock_parse(bad[i], &seconds) != ERR_INVALID)
			fail_msg("accepted '%s'", bad[i]);
	assert_int_equal(seconds, 42);
}

static void clocks_run(void **state _unused_)
{
	int64_t a = clock_monotonic_ms();

	assert_true(clock_now() > 1700000000);
	assert_true(clock_monotonic_ms() >= a);
	assert_true(clock_boottime_ms() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(known_points),
		cmocka_unit_test(only_the_one_form),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
