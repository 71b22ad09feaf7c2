// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "lab/trial/case_run.h"
#include "lab/trial/case_scripts.h"
#include "lab/trial/case_table.h"
#include "lab/trial/trial_json.h"

static const struct trial sample = {
	.kernel = "6.1.0-1-x",
	.build_id = "00ff",
	.module = "fix.ko",
	.module_sha256 = "aa",
	.machine = "pc, 2 cpus, 512 MB, tcg-multi",
	.time = "2026-01-02T03:04:05Z",
	.ms = 12345,
	.boots = 3,
	.cases = { { .name = "boot", .run.ms = 2750 },
		   { .name = "stress",
		     .run = { VERDICT_FAIL, CAUSE_TRIPLE_FAULT, 17, "a \"b\" \xc3\xa9" },
		     .repeated = true,
		     .first = { VERDICT_FAIL, CAUSE_OOPS, 5, "c" },
		     .excerpt = "x\ny\n",
		     .first_excerpt = "z\n",
		     .first_log = "stress-first.log",
		     .log = "stress.log" },
		   { .name = "target", .run = { VERDICT_SKIP, CAUSE_NONE, 0, "no module" } } },
	.n = 3,
};

static void assert_same(const struct trial_outcome *a, const struct trial_outcome *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->cause, b->cause);
	assert_int_equal(a->ms, b->ms);
	assert_string_equal(a->message, b->message);
}

static void test_there_and_back(void **state)
{
	(void)state;
	static struct trial back;
	_cleanup_json_ json_t *o = NULL;
	struct error err = { 0 };

	assert_int_equal(trial_to_json(&sample, &o, &err), 0);
	assert_string_equal(json_string_value(json_object_get(o, "result")), "fail");
	assert_int_equal(trial_from_json(o, &back, &err), 0);
	assert_string_equal(back.kernel, sample.kernel);
	assert_string_equal(back.build_id, sample.build_id);
	assert_string_equal(back.module, sample.module);
	assert_string_equal(back.module_sha256, sample.module_sha256);
	assert_string_equal(back.machine, sample.machine);
	assert_string_equal(back.time, sample.time);
	assert_int_equal(back.ms, sample.ms);
	assert_int_equal(back.boots, 3);
	assert_int_equal(back.n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct trial_case *a = &back.cases[i], *b = &sample.cases[i];

		assert_string_equal(a->name, b->name);
		assert_same(&a->run, &b->run);
		assert_int_equal(a->repeated, b->repeated);
		assert_same(&a->first, &b->first);
		assert_string_equal(a->excerpt, b->excerpt);
		assert_string_equal(a->log, b->log);
		assert_string_equal(a->first_excerpt, b->first_excerpt);
		assert_string_equal(a->first_log, b->first_log);
	}
}

/* Every field that is missing where it must not be, of another type, or too long. */
static void test_refused(void **state)
{
	(void)state;
	static struct trial back;
	static const char *const bad[][2] = {
		{ "kernel", "[1]" },
		{ "cases", "{}" },
		{ "cases", "[{\"name\":\"a\"}]" },
		{ "cases", "[{\"result\":\"passed\",\"cause\":\"none\",\"seconds\":1}]" },
		{ "cases", "[{\"result\":\"pass\",\"cause\":\"bad luck\",\"seconds\":1}]" },
		{ "cases", "[{\"result\":\"pass\",\"cause\":\"none\",\"seconds\":-1}]" },
		{ "cases", "[{\"result\":\"pass\",\"cause\":\"none\",\"seconds\":1e300}]" },
		{ "cases", "[{\"result\":\"pass\",\"cause\":\"none\",\"seconds\":1,\"first\":3}]" },
		{ "cases", "[{\"name\":\"a\",\"result\":\"pass\",\"cause\":\"none\",\"seconds\":1,"
			   "\"log\":\"../x\"}]" },
		{ "cases", "[{\"name\":\"a\",\"result\":\"pass\",\"cause\":\"none\",\"seconds\":1,"
			   "\"log\":\"/etc/x\"}]" },
		{ "cases", "[{\"name\":\"a\",\"result\":\"pass\",\"cause\":\"none\",\"seconds\":1,"
			   "\"first\":{\"result\":\"pass\",\"cause\":\"none\",\"seconds\":1,"
			   "\"log\":\"..\"}}]" },
		{ "seconds", "\"1\"" },
		{ "boots", "-1" },
		{ "build_id", "\"00000000000000000000000000000000000000000000000000000000000000000"
			      "0000\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_t *o = NULL;
		json_t *value = json_loads(bad[i][1], JSON_DECODE_ANY, NULL);

		assert_non_null(value);
		assert_int_equal(trial_to_json(&sample, &o, NULL), 0);
		json_object_set_new(o, bad[i][0], value);
		assert_int_equal(trial_from_json(o, &back, NULL), ERR_INVALID);
	}
}

static void test_passed(void **state)
{
	(void)state;
	struct trial *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_false(trial_passed(t)); /* nothing was held */
	t->n = 2;
	t->cases[0].run.verdict = t->cases[1].run.verdict = VERDICT_SKIP;
	assert_false(trial_passed(t));
	t->cases[1].run.verdict = VERDICT_PASS;
	assert_true(trial_passed(t));
	t->cases[0].run.verdict = VERDICT_FAIL;
	assert_false(trial_passed(t));
	free(t);
}

static void test_names(void **state)
{
	(void)state;
	enum trial_cause cause;
	enum trial_verdict verdict;

	for (int i = 0; i <= CAUSE_LAST; i++) {
		assert_int_equal(trial_cause_from(trial_cause_name((enum trial_cause)i), &cause),
				 0);
		assert_int_equal(cause, i);
	}
	for (int i = 0; i <= VERDICT_SKIP; i++) {
		assert_int_equal(
			trial_verdict_from(trial_verdict_name((enum trial_verdict)i), &verdict), 0);
		assert_int_equal(verdict, i);
	}
	assert_int_equal(trial_cause_from("", &cause), ERR_INVALID);
	assert_int_equal(trial_verdict_from("passed", &verdict), ERR_INVALID);
}

/* What the second time would write over is there under another name. */
static void test_first_is_kept(void **state)
{
	(void)state;
	char *dir = unit_make_dir();
	struct trial_case *c = calloc(1, sizeof(*c));
	struct error err = { 0 };

	assert_non_null(c);
	_cleanup_free_ char *log = path_join(dir, "load.log", NULL);
	_cleanup_free_ char *first = path_join(dir, "load-first.log", NULL);

	assert_int_equal(file_write_atomic(log, "x", 1, 0600, &err), 0);
	*c = (struct trial_case){ .name = "load",
				  .run = { VERDICT_FAIL, CAUSE_OOPS, 5, "c" },
				  .excerpt = "e",
				  .log = "load.log" };
	trial_case_keep_first(c, dir);
	assert_true(c->repeated);
	assert_int_equal(c->first.cause, CAUSE_OOPS);
	assert_string_equal(c->first_excerpt, "e");
	assert_string_equal(c->first_log, "load-first.log");
	assert_string_equal(c->excerpt, "");
	assert_string_equal(c->log, "");
	assert_false(file_exists(log));
	assert_true(file_exists(first));
	unit_remove_dir(dir);
	free(c);
}

static void test_limit(void **state)
{
	(void)state;
	struct trial_options o = { .transition_timeout_ms = 1000 };

	assert_int_equal(case_limit_ms(case_find("cycles"), &o), 3602000);
	o.cycles = 10000;
	assert_int_equal(case_limit_ms(case_find("cycles"), &o), 360002000);
	assert_int_equal(case_limit_ms(case_find("load"), &o),
			 case_find("load")->seconds * 1000 + 2000);
}

/* Every cause that a script names is one. */
static void check_causes(const char *script)
{
	for (const char *at = script; (at = strstr(at, "fail "));) {
		char word[32];
		enum trial_cause cause;
		bool first = at == script || at[-1] == ' ' || at[-1] == '\t' || at[-1] == '\n';

		at += strlen("fail ");
		snprintf(word, sizeof(word), "%.*s", (int)MIN(strcspn(at, " "), sizeof(word)), at);
		if (first && (at[strlen(word) + 1] == '\'' || at[strlen(word) + 1] == '"'))
			assert_int_equal(trial_cause_from(word, &cause), 0);
	}
}

static void test_table(void **state)
{
	(void)state;
	assert_true(case_kinds_n + 1 <= TRIAL_CASES_MAX);
	assert_null(case_find("boot")); /* a case of the trial's own */
	for (size_t i = 0; i < case_kinds_n; i++) {
		assert_true(strlen(case_kinds[i].name) < TRIAL_NAME_MAX);
		assert_ptr_equal(case_find(case_kinds[i].name), &case_kinds[i]);
		check_causes(case_kinds[i].script);
	}
	check_causes(case_lib_sh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_passed),         cmocka_unit_test(test_names),
		cmocka_unit_test(test_table),          cmocka_unit_test(test_first_is_kept),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
