// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/hash.h"
#include "lab/report/trial_report.h"

static const struct trial trials[2] = {
	{ .kernel = "6.1.0-1-x",
	  .build_id = "00ff",
	  .cases = { { .name = "boot", .run.ms = 2750 }, { .name = "load", .run.ms = 75 } },
	  .n = 2 },
	{ .kernel = "6.1.0-2-x",
	  .cases = { { .name = "boot", .run.ms = 1000 },
		     { .name = "load",
		       .run = { .verdict = VERDICT_FAIL,
				.cause = CAUSE_OOPS,
				.ms = 1,
				.message = "refused: <\"a\" & 'b'>\x1b" },
		       .excerpt = "BUG: x\n" } },
	  .n = 2 },
};

static void test_json(void **state)
{
	(void)state;
	_cleanup_json_ json_t *o = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	char hash[SHA256_HEX_LEN + 1];
	struct error err = { 0 };

	assert_int_equal(hash_sha256_file("/proc/self/exe", hash, &err), 0);
	assert_int_equal(trial_report_json(trials, 2, "/proc/self/exe", &o, &err), 0);
	assert_string_equal(json_string_value(json_object_get(o, "result")), "fail");
	assert_string_equal(json_string_value(json_object_get(o, "module_sha256")), hash);
	json_t *kernels = json_object_get(o, "kernels");

	assert_int_equal(json_array_size(kernels), 2);
	assert_int_equal(json_append(json_array_get(kernels, 0), &text), 0);
	assert_string_equal(
		buf_str(&text),
		"{\"kernel\":\"6.1.0-1-x\",\"build_id\":\"00ff\",\"result\":\"pass\","
		"\"seconds\":2.825,\"cases\":[{\"name\":\"boot\",\"result\":\"pass\","
		"\"seconds\":2.75,\"message\":\"\"},{\"name\":\"load\",\"result\":\"pass\","
		"\"seconds\":0.075,\"message\":\"\"}],\"log\":null}");
	assert_true(json_is_null(json_object_get(json_array_get(kernels, 1), "build_id")));
	assert_int_equal(trial_report_json(trials, 1, "/nonexistent", &o, &err), -ENOENT);
}

static void test_all_passed(void **state)
{
	(void)state;
	_cleanup_json_ json_t *o = NULL;

	assert_true(trial_passed(&trials[0]));
	assert_false(trial_passed(&trials[1]));
	assert_false(trial_passed(&(struct trial){ 0 })); /* nothing was held */
	assert_int_equal(trial_report_json(trials, 1, "/proc/self/exe", &o, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(o, "result")), "pass");
}

static void test_junit(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf xml = BUF_INIT(65536), small = BUF_INIT(100);

	assert_int_equal(trial_report_junit(trials, 2, &xml), 0);
	assert_non_null(strstr(buf_str(&xml), "tests=\"2\" failures=\"0\" time=\"2.825\""));
	assert_non_null(strstr(buf_str(&xml), "tests=\"2\" failures=\"1\" time=\"1.001\""));
	assert_non_null(strstr(buf_str(&xml), "<failure message=\"refused: &lt;&quot;a&quot; &amp; "
					      "&apos;b&apos;&gt;?\">BUG: x\n</failure>"));
	assert_int_equal(trial_report_junit(trials, 2, &small), ERR_TOO_LARGE);
}

static void test_table(void **state)
{
	(void)state;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	trial_report_print(out, trials, 2);
	fclose(out);
	assert_non_null(strstr(text, "6.1.0-1-x                        load         pass"));
	assert_non_null(strstr(text, "FAIL        0.0\n\trefused: "));
	assert_non_null(strstr(text, "BUG: x"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_all_passed),
		cmocka_unit_test(test_junit),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
