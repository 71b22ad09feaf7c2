// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lab/trial/case_redirect.h"

/* Two functions of four bytes; the second byte of the first is masked. */
static struct record_mask mask[] = { { 1, 1 } };
static char f_name[] = "f", g_name[] = "g";
static struct record_function functions[] = {
	{ .name = f_name, .sympos = 0, .size = 4, .mask = mask, .n_mask = 1 },
	{ .name = g_name, .sympos = 2, .size = 4 },
};
static struct record_object objects[] = {
	{ .name = "vmlinux", .functions = functions, .n_functions = 2 }
};
static struct record record = { .objects = objects, .n_objects = 1 };

static const char good[] = "@code vmlinux f 0 01ff0304\n"
			   "@code vmlinux g 2 0a0b0c0d\n"
			   "noise\n@note x\n"
			   "@function vmlinux f 1\n"
			   "@function vmlinux g 2\n"
			   "@patched vmlinux f 1 e800\n"
			   "@patched vmlinux g 2 e801\n"
			   "@restored vmlinux f 1 0f1f\n"
			   "@restored vmlinux g 2 0f1f\n";

static int set_up(void **state)
{
	static const uint8_t f[] = { 1, 0, 3, 4 }, g[] = { 10, 11, 12, 13 };

	(void)state;
	return hash_sha256_hex(f, sizeof(f), functions[0].sha256) < 0 ||
	       hash_sha256_hex(g, sizeof(g), functions[1].sha256) < 0;
}

/* The good text with one part replaced. */
static struct trial_outcome judge_as(struct record *r, const char *from, const char *to)
{
	struct trial_guest t = { .record = r };
	struct trial_outcome outcome = { 0 };
	char text[2048];
	const char *at = strstr(good, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	case_redirect_judge(&t, text, &outcome);
	return outcome;
}

static void test_good(void **state)
{
	(void)state;
	struct trial_outcome o = judge_as(&record, "noise", "noise");

	assert_int_equal(o.verdict, VERDICT_PASS);
	assert_string_equal(o.message,
			    "2 functions redirected, code of 2 as the record describes it");
	assert_int_equal(judge_as(&record, "01ff", "0100").verdict, VERDICT_PASS); /* masked */
	o = judge_as(NULL, "noise", "noise");
	assert_int_equal(o.verdict, VERDICT_PASS);
	assert_non_null(strstr(o.message, "no build record"));
}

static void assert_found(struct trial_outcome o, enum trial_cause cause, const char *text)
{
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_int_equal(o.cause, cause);
	assert_non_null(strstr(o.message, text));
}

static void test_another_function(void **state)
{
	(void)state;
	assert_found(judge_as(&record, "@function vmlinux g 2",
			      "@function vmlinux g 1\n@patched vmlinux g 1 e8\n"
			      "@restored vmlinux g 1 0f"),
		     CAUSE_WRONG_FUNCTION, "vmlinux:g,2");
	assert_found(judge_as(&record, "@function vmlinux g 2",
			      "@function ext4 g 2\n@patched ext4 g 2 e8\n"
			      "@restored ext4 g 2 0f"),
		     CAUSE_WRONG_FUNCTION, "vmlinux:g,2");
	assert_found(judge_as(&record, "noise",
			      "@function vmlinux h 1\n@patched vmlinux h 1 e8\n"
			      "@restored vmlinux h 1 0f"),
		     CAUSE_WRONG_FUNCTION, "replaces 3 functions, the record has 2");
	assert_found(judge_as(&record, "0a0b0c0d", "0a0b0c0e"), CAUSE_WRONG_FUNCTION,
		     "the code of vmlinux:g,2");
	assert_found(judge_as(&record, "0a0b0c0d", "0a0b0c0d00"), CAUSE_WRONG_FUNCTION,
		     "the code of vmlinux:g,2");
	assert_found(judge_as(&record, "0a0b0c0d", "-"), CAUSE_WRONG_FUNCTION,
		     "the code of vmlinux:g,2");
}

static void test_not_redirected(void **state)
{
	(void)state;
	assert_found(judge_as(NULL, "@restored vmlinux g 2 0f1f", "@restored vmlinux g 2 e801"),
		     CAUSE_NOT_REDIRECTED, "vmlinux:g");
}

/* Code that cannot be read is a failure, unless the guest says that the module is not loaded. */
static void test_not_seen(void **state)
{
	(void)state;
	static const char of_module[] = "@function vmlinux g 2\n"
					"@function ext4 h 1\n@patched ext4 h 1 -\n"
					"@restored ext4 h 1 -\n";

	assert_found(judge_as(NULL, "e801", "-"), CAUSE_LAB, "vmlinux:g is not there");
	assert_found(judge_as(NULL, "@restored vmlinux g 2 0f1f", "@restored vmlinux g 2 -"),
		     CAUSE_LAB, "vmlinux:g is not there");
	assert_found(judge_as(NULL, "noise",
			      "@unpatched vmlinux\n@function vmlinux h 1\n"
			      "@patched vmlinux h 1 -\n@restored vmlinux h 1 -"),
		     CAUSE_LAB, "vmlinux:h is not there");
	assert_found(judge_as(NULL, "@function vmlinux g 2", of_module), CAUSE_LAB,
		     "ext4:h is not there");
	char text[256];

	snprintf(text, sizeof(text), "@unpatched ext4\n@unpatched xfs\n%s", of_module);
	struct trial_outcome o = judge_as(NULL, "@function vmlinux g 2", text);

	assert_int_equal(o.verdict, VERDICT_PASS);
	assert_non_null(strstr(o.message, "2 functions redirected"));
	assert_non_null(strstr(o.message, "; not looked at, since they are not loaded: ext4, xfs"));
}

/* More lines than are judged do not pass as if they had been. */
static void test_too_many(void **state)
{
	(void)state;
	static const char line[] = "@function vmlinux f 1\n";
	_cleanup_buf_ struct buf text = BUF_INIT(4 * 1024 * 1024);
	struct trial_outcome o = { 0 };

	assert_int_equal(buf_append_str(&text, good), 0);
	for (size_t i = 0; i < 40000; i++)
		assert_int_equal(buf_append_str(&text, line), 0);
	case_redirect_judge(&(struct trial_guest){ 0 }, buf_str(&text), &o);
	assert_found(o, CAUSE_LAB, "more functions than can be judged");
}

/* Whatever a guest says, nothing but a whole set of lines passes. */
static void test_damaged(void **state)
{
	(void)state;
	struct trial_guest t = { .record = &record };
	struct trial_outcome o = { 0 };

	case_redirect_judge(&t, "", &o);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	o = (struct trial_outcome){ 0 };
	case_redirect_judge(&(struct trial_guest){ 0 }, "", &o);
	assert_found(o, CAUSE_LAB, "could be looked at");
	for (size_t cut = 0; cut < strlen(good) - 4; cut++) {
		char text[2048];

		snprintf(text, sizeof(text), "%.*s", (int)cut, good);
		o = (struct trial_outcome){ 0 };
		case_redirect_judge(&t, text, &o);
		assert_int_equal(o.verdict, VERDICT_FAIL);
	}
	assert_found(judge_as(&record, "@function vmlinux g 2", "@function vmlinux g x2"),
		     CAUSE_WRONG_FUNCTION, "vmlinux:g,2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),           cmocka_unit_test(test_another_function),
		cmocka_unit_test(test_not_redirected), cmocka_unit_test(test_not_seen),
		cmocka_unit_test(test_too_many),       cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
