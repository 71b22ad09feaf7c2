/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "lab/selftest/selftest_judge.h"

/* Large. */
static struct selftest_output output;
static struct trial trial;

static const struct selftest_script script = {
	.tests = { "module_coming + pre-patch callback -ENODEV", "Second" },
	.n = 2,
};

static bool judge(const char *text, struct selftest_end end)
{
	output = (struct selftest_output){ 0 };
	trial = (struct trial){ 0 };
	selftest_output_feed(&output, text, strlen(text), 0);
	selftest_output_end(&output, 0);
	bool passed = selftest_judge("callbacks", &script, &output, &end, &trial);

	assert_int_equal(trial.n, 2);
	return passed;
}

static void is(size_t i, enum trial_verdict verdict, enum trial_cause cause, const char *says)
{
	const struct trial_case *c = &trial.cases[i];

	assert_int_equal(c->run.verdict, verdict);
	assert_int_equal(c->run.cause, cause);
	if (!strstr(c->run.message, says))
		fail_msg("'%s' does not hold '%s'", c->run.message, says);
}

#define FIRST  "TEST: module_coming + pre-patch callback -ENODEV ... ok\n"
#define SECOND "TEST: Second ... ok\n"

static void test_passed(void **state)
{
	(void)state;
	assert_true(judge(FIRST SECOND, (struct selftest_end){ 0 }));
	is(0, VERDICT_PASS, CAUSE_NONE, "module_coming + pre-patch callback -ENODEV");
	is(1, VERDICT_PASS, CAUSE_NONE, "Second");
	assert_string_equal(trial.cases[0].name, "callbacks-01-module-coming-pre");
	assert_string_equal(trial.cases[1].name, "callbacks-02-second");
}

/* A script that stops early is no success, whatever its status. */
static void test_stopped_early(void **state)
{
	(void)state;
	assert_false(judge(FIRST, (struct selftest_end){ 0 }));
	is(0, VERDICT_PASS, CAUSE_NONE, "");
	is(1, VERDICT_FAIL, CAUSE_WRONG_DATA, "did not begin: the script ended with status 0");
	assert_false(judge("", (struct selftest_end){ .status = 127 }));
	is(0, VERDICT_FAIL, CAUSE_WRONG_DATA, "status 127");
	assert_false(judge(FIRST "TEST: Second ... \n", (struct selftest_end){ 0 }));
	is(1, VERDICT_FAIL, CAUSE_WRONG_DATA, "did not end");
}

static void test_failed(void **state)
{
	(void)state;
	assert_false(judge(FIRST "TEST: Second ... not ok\n\n-x\n+y\nERROR: it failed\n",
			   (struct selftest_end){ .status = 1 }));
	is(0, VERDICT_PASS, CAUSE_NONE, "");
	is(1, VERDICT_FAIL, CAUSE_WRONG_DATA, "not ok: the script ended with status 1: ERROR: it");
	assert_string_equal(trial.cases[0].excerpt, "");
	assert_string_equal(trial.cases[1].excerpt,
			    "TEST: Second ... not ok\n\n-x\n+y\nERROR: it failed\n");
	assert_false(judge("TEST: module_coming + pre-patch callback -ENODEV ... "
			   "ERROR: failed to complete transition\n",
			   (struct selftest_end){ .status = 1 }));
	is(0, VERDICT_FAIL, CAUSE_STUCK, "did not end");
	assert_false(judge("TEST: module_coming + pre-patch callback -ENODEV ... "
			   "SKIP: unable to load\n",
			   (struct selftest_end){ .status = 4 }));
	is(0, VERDICT_FAIL, CAUSE_LAB, "SKIP: unable to load");
}

static void test_ended_badly(void **state)
{
	(void)state;
	assert_false(judge(FIRST SECOND, (struct selftest_end){ .status = 1 }));
	is(0, VERDICT_PASS, CAUSE_NONE, "");
	is(1, VERDICT_FAIL, CAUSE_WRONG_DATA,
	   "after its last test: the script ended with status 1");
	assert_false(judge(FIRST, (struct selftest_end){ .timed_out = true, .ms = 7000 }));
	is(1, VERDICT_FAIL, CAUSE_HANG, "did not end in 7 s");
	assert_false(judge(FIRST SECOND,
			   (struct selftest_end){ .cause = CAUSE_PANIC, .message = "it is gone" }));
	is(1, VERDICT_FAIL, CAUSE_PANIC, "after its last test: it is gone");
}

static void test_other_tests(void **state)
{
	(void)state;
	assert_false(judge(SECOND FIRST, (struct selftest_end){ 0 }));
	is(0, VERDICT_FAIL, CAUSE_LAB, "'Second' was announced in the place of");
	assert_true(judge(FIRST SECOND "TEST: one more ... ok\n", (struct selftest_end){ 0 }));
	assert_false(judge(FIRST SECOND "TEST: one more ... not ok\n", (struct selftest_end){ 0 }));
	is(1, VERDICT_FAIL, CAUSE_WRONG_DATA, "a test that the script does not hold");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed),      cmocka_unit_test(test_stopped_early),
		cmocka_unit_test(test_failed),      cmocka_unit_test(test_ended_badly),
		cmocka_unit_test(test_other_tests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
