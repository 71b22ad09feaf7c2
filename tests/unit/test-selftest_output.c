/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "lab/selftest/selftest_output.h"

/* Large, and hostile output must not leave anything behind. */
static struct selftest_output o;

static void feed(const char *text, int64_t now_ms)
{
	selftest_output_feed(&o, text, strlen(text), now_ms);
}

static void hear(const char *text)
{
	o = (struct selftest_output){ 0 };
	feed(text, 0);
	selftest_output_end(&o, 0);
}

static void test_as_it_comes(void **state)
{
	(void)state;
	o = (struct selftest_output){ 0 };
	feed("TEST: one ... ", 1000);
	feed("o", 2500);
	feed("k\nTEST: two", 3000);
	feed(" ... ok\n", 3700);
	selftest_output_end(&o, 9000);
	assert_int_equal(o.n, 2);
	assert_string_equal(o.tests[0].name, "one");
	assert_int_equal(o.tests[0].result, SELFTEST_OK);
	assert_int_equal(o.tests[0].begin_ms, 1000);
	assert_int_equal(o.tests[0].end_ms, 3000);
	assert_string_equal(o.tests[1].name, "two");
	assert_int_equal(o.tests[1].begin_ms, 3000);
	assert_int_equal(o.tests[1].end_ms, 3700);
	assert_string_equal(o.reason, "");
}

static void test_failures(void **state)
{
	(void)state;
	hear("TEST: a ... ok\n"
	     "TEST: b ... not ok\n\n--- expected\n+++ result\n-x\n\n"
	     "ERROR: livepatch kselftest(s) failed\n");
	assert_int_equal(o.n, 2);
	assert_int_equal(o.tests[1].result, SELFTEST_NOT_OK);
	assert_string_equal(o.reason, "ERROR: livepatch kselftest(s) failed");
	assert_true(str_has_prefix(o.excerpt, "TEST: b ... not ok\n\n--- expected\n"));
	hear("TEST: a ... SKIP: unable to load module x\n");
	assert_int_equal(o.tests[0].result, SELFTEST_OPEN);
	assert_string_equal(o.reason, "SKIP: unable to load module x");
	hear("skip all tests: must be run as root\n");
	assert_int_equal(o.n, 0);
	assert_string_equal(o.reason, "skip all tests: must be run as root");
	/* What comes after a failure keeps the failure's part. */
	hear("TEST: a ... not ok\nwhy\nTEST: b ... ok\n");
	assert_string_equal(o.excerpt, "TEST: a ... not ok\nwhy\nTEST: b ... ok\n");
}

/* Only a test that has begun can be ended, once, and only by these words alone. */
static void test_no_success_by_chance(void **state)
{
	(void)state;
	hear("ok\nTEST: a ... okay\nTEST: b ... \nTEST: c ... not ok\nok\nTEST: d ... ok ... \n");
	assert_int_equal(o.n, 4);
	assert_int_equal(o.tests[0].result, SELFTEST_OPEN);
	assert_int_equal(o.tests[1].result, SELFTEST_OPEN);
	assert_int_equal(o.tests[2].result, SELFTEST_NOT_OK);
	assert_int_equal(o.tests[3].result, SELFTEST_OPEN);
	/* A command within the test printed something. */
	hear("TEST: a ... ./x.sh: line 3: 77 Terminated\nok\n");
	assert_int_equal(o.tests[0].result, SELFTEST_OK);
}

static void test_hostile(void **state)
{
	(void)state;
	o = (struct selftest_output){ 0 };
	for (int i = 0; i < 100000; i++)
		feed("x", i);
	feed("\nTEST: \x1b[2J\xff ... ok\n", 0);
	assert_string_equal(o.tests[0].name, "?[2J?");
	for (int i = 2; i < SELFTEST_TESTS_MAX; i++)
		feed("TEST: again ... ok\n", i);
	feed("TEST: open ... \n", 0);
	for (int i = 0; i < 1000; i++)
		feed("TEST: again ... ok\n", i);
	assert_int_equal(o.n, SELFTEST_TESTS_MAX);
	assert_int_equal(o.beyond, 1000);
	assert_true(strlen(o.excerpt) < sizeof(o.excerpt));
	/* A test without room does not end another. */
	assert_int_equal(o.tests[SELFTEST_TESTS_MAX - 1].result, SELFTEST_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_it_comes),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_no_success_by_chance),
		cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
