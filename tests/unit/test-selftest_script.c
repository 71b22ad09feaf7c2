/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "lab/selftest/selftest_script.h"

static void test_names(void **state)
{
	(void)state;
	struct selftest_script s;
	struct error err = { 0 };

	assert_ok(selftest_script_read("#!/bin/bash\n"
				       "# start_test \"in a comment\"\n"
				       "function start_test {\n"
				       "start_test \"first one\"\n"
				       "\tstart_test 'with $NAME' # why\n"
				       "log start_test\n"
				       "start_tests \"another word\"\n"
				       "start_test \"tab\there\"",
				       &s, &err),
		  &err);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.tests[0], "first one");
	assert_string_equal(s.tests[1], "with $NAME");
	assert_string_equal(s.tests[2], "tab?here");
}

static void test_refused(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = BUF_INIT(4096);
	struct selftest_script s;
	struct error err = { 0 };

	assert_int_equal(selftest_script_read("a\nstart_test name\n", &s, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "line 2"));
	assert_int_equal(selftest_script_read("start_test \"over\ntwo lines\"\n", &s, NULL),
			 ERR_INVALID);
	for (int i = 0; i <= SELFTEST_TESTS_MAX; i++)
		assert_int_equal(buf_append_str(&text, "start_test \"x\"\n"), 0);
	assert_int_equal(selftest_script_read(buf_str(&text), &s, NULL), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
