// SPDX-License-Identifier: GPL-2.0-or-later
/* The test record: its bytes, and reading it back. */
#include "lab/report/statement.h"
#include "sample_report.h"

static json_t *make(const struct report *report)
{
	struct error err = { 0 };
	json_t *json = NULL;

	assert_ok(statement_to_json(report, &json, &err), &err);
	return json;
}

static void expect(const struct report *report, const char *name)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
	_cleanup_json_ json_t *json = make(report);

	assert_int_equal(json_append_pretty(json, &text), 0);
	sample_expect("formats", name, text.data, text.len);
}

static void golden(void **state)
{
	_cleanup_report_ struct report run, matrix;

	(void)state;
	sample_run(&run);
	expect(&run, "test-record.json");
	sample_matrix(&matrix);
	expect(&matrix, "test-record-matrix.json");
}

static const char *result_of(const struct report *report)
{
	static char result[16];
	_cleanup_json_ json_t *json = make(report);

	snprintf(result, sizeof(result), "%s",
		 json_string_value(json_object_get(json_object_get(json, "predicate"), "result")));
	return result;
}

static void results(void **state)
{
	_cleanup_report_ struct report report;
	struct trial *t = sample_trial("k", SAMPLE_HASH);

	(void)state;
	report_init(&report);
	assert_string_equal(result_of(&report), "FAILED");
	sample_case(t, "load", 1);
	sample_skip(t, "kmemleak", "none");
	sample_add(&report, &(struct report_job){ .trial = t });
	assert_string_equal(result_of(&report), "PASSED");
	t->cases[0].repeated = true;
	t->cases[0].first.verdict = VERDICT_FAIL;
	assert_string_equal(result_of(&report), "WARNED");
	t->cases[0].run.verdict = VERDICT_FAIL;
	assert_string_equal(result_of(&report), "FAILED");
}

/* All that a report holds comes back: the statement of what was read is the same. */
static void read_back(void **state)
{
	_cleanup_report_ struct report report, again, both;
	_cleanup_json_ json_t *json = NULL, *second = NULL;
	struct error err = { 0 };

	(void)state;
	sample_matrix(&report);
	json = make(&report);
	report_init(&again);
	assert_ok(statement_from_json(json, &again, &err), &err);
	/* A command to paste is taken from no file. */
	for (size_t i = 0; i < report.n; i++) {
		assert_null(again.jobs[i].shell);
		free(TAKE_PTR(report.jobs[i].shell));
	}
	json_decref(json);
	json = make(&report);
	second = make(&again);
	assert_true(json_equal(json, second));
	report_init(&both);
	assert_ok(statement_from_json(json, &both, &err), &err);
	assert_ok(statement_from_json(json, &both, &err), &err);
	assert_int_equal(both.n, 2 * report.n);
	assert_int_equal(both.ms, 2 * report.ms);
}

static void files(void **state)
{
	_cleanup_report_ struct report report, again;
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "record.json", NULL);
	struct error err = { 0 };

	(void)state;
	sample_run(&report);
	assert_ok(statement_save(&report, path, &err), &err);
	report_init(&again);
	assert_ok(statement_load(path, &again, &err), &err);
	assert_int_equal(again.n, 2);
	assert_int_equal(statement_load("/nonexistent", &again, &err), -ENOENT);
	unit_remove_dir(dir);
}

/* One field of a good record is another: what the error says. */
static void refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "test-result/v0.1", "provenance/v1", "not a test record" },
		{ "\"format\":1", "\"format\":2", "format" },
		{ "\"state\":\"held\"", "\"state\":\"best\"", "state: best" },
		{ "\"state\":\"not-built\"", "\"state\":\"held\"", "cases" },
		{ "\"logs\":\"logs/one\"", "\"logs\":\"../../etc\"", "logs" },
		{ "\"logs\":\"logs/one\"", "\"logs\":\"/etc\"", "logs" },
		{ "\"cause\":\"oops\"", "\"cause\":\"ooze\"", "cause: ooze" },
		{ "\"seconds\":30.0", "\"seconds\":-1", "seconds" },
		{ "\"tool\":\"suture-lab 9.9.9\"", "\"tool\":7", "tool" },
		{ "\"trials\":[", "\"trials\":7,\"j\":[", "trials" },
	};
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
	_cleanup_report_ struct report report;
	_cleanup_json_ json_t *json = NULL;

	(void)state;
	sample_matrix(&report);
	json = make(&report);
	assert_int_equal(json_append(json, &text), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf bad = BUF_INIT(1 << 20);
		_cleanup_report_ struct report again;
		_cleanup_json_ json_t *parsed = NULL;
		struct error err = { 0 };
		const char *at = strstr(buf_str(&text), cases[i].from);

		assert_non_null(at);
		assert_int_equal(buf_append(&bad, text.data, (size_t)(at - buf_str(&text))), 0);
		assert_int_equal(buf_append_str(&bad, cases[i].to), 0);
		assert_int_equal(buf_append_str(&bad, at + strlen(cases[i].from)), 0);
		assert_ok(json_parse(bad.data, bad.len, &parsed, &err), &err);
		report_init(&again);
		assert_int_equal(statement_from_json(parsed, &again, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden), cmocka_unit_test(results), cmocka_unit_test(read_back),
		cmocka_unit_test(files),  cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
