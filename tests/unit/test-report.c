// SPDX-License-Identifier: GPL-2.0-or-later
/* Reports: what fails, sums, names, cleaning, and the form for a terminal. */
#include "lab/report/report_text.h"
#include "sample_report.h"

static void states(void **state)
{
	enum report_state s;

	(void)state;
	for (int i = REPORT_HELD; i <= REPORT_NOT_HELD; i++) {
		assert_int_equal(report_state_from(report_state_name((enum report_state)i), &s), 0);
		assert_int_equal(s, i);
	}
	assert_int_equal(report_state_from("", &s), ERR_INVALID);
}

static void passing(void **state)
{
	_cleanup_report_ struct report report;
	struct trial *t = sample_trial("k", SAMPLE_HASH);

	(void)state;
	report_init(&report);
	assert_false(report_passed(&report)); /* nothing was held */
	sample_add(&report, &(struct report_job){ .state = REPORT_LEFT_OUT });
	assert_false(report_passed(&report));
	sample_case(t, "load", 1);
	sample_skip(t, "kmemleak", "none");
	sample_add(&report, &(struct report_job){ .trial = t });
	assert_true(report_passed(&report));
	t->n = 0; /* no case passed */
	assert_false(report_passed(&report));
	t->n = 2;
	t->cases[0].repeated = true;
	assert_true(report_passed(&report));
	sample_add(&report, &(struct report_job){ .state = REPORT_NOT_BUILT });
	assert_false(report_passed(&report));
	report.jobs[2].state = REPORT_NOT_HELD;
	assert_false(report_passed(&report));
	report.jobs[2].state = REPORT_LEFT_OUT;
	t->cases[0].run.verdict = VERDICT_FAIL;
	assert_false(report_passed(&report));
}

static void totals(void **state)
{
	_cleanup_report_ struct report report;
	struct report_totals n;
	struct report_slow slow[3];

	(void)state;
	sample_matrix(&report);
	assert_true(report_is_matrix(&report));
	report_count(&report, &n);
	for (int i = REPORT_HELD; i <= REPORT_NOT_HELD; i++)
		assert_int_equal(n.states[i], 1);
	assert_int_equal(n.marks[MARK_PASS], 3);
	assert_int_equal(n.marks[MARK_FLAKY], 1);
	assert_int_equal(n.marks[MARK_FAIL], 1);
	assert_int_equal(n.marks[MARK_SKIP], 1);
	assert_int_equal(n.combinations, 5);
	assert_int_equal(n.patches, 2);
	assert_int_equal(n.kernels, 2);
	assert_int_equal(n.machines, 2);
	assert_int_equal(n.ms, 30000);
	assert_int_equal(n.trial_ms, 2 * 12345);
	assert_int_equal(report_kernel_ms(&report, "6.1.0-40-cloud-amd64"), 2 * 12345);
	assert_int_equal(report_slowest(&report, slow, 3), 3);
	assert_string_equal(slow[0].c->name, "cycles");
	assert_string_equal(slow[1].c->name, "reproducer");
	assert_string_equal(slow[2].c->name, "load");
	assert_int_equal(slow[2].c->run.ms, 1500);
	assert_null(report_find_job(&report, "one", "6.12.9+deb12-amd64", "small"));
	assert_ptr_equal(report_find_job(&report, "two", "6.12.9+deb12-amd64", "large"),
			 &report.jobs[4]);
}

static void names(void **state)
{
	_cleanup_names_ struct report_names patches = { 0 }, all = { 0 }, small = { 0 };
	_cleanup_report_ struct report report;

	(void)state;
	sample_matrix(&report);
	assert_int_equal(report_names(&report, report_patch, &patches), 0);
	assert_int_equal(patches.n, 2);
	assert_string_equal(patches.items[1], "two");
	assert_int_equal(report_cases(&report, NULL, &all), 0);
	assert_int_equal(all.n, 4);
	assert_int_equal(report_cases(&report, "small", &small), 0);
	assert_int_equal(small.n, 2);
}

static void select_module(void **state)
{
	_cleanup_report_ struct report report;
	struct error err = { 0 };

	(void)state;
	sample_matrix(&report);
	snprintf(report.jobs[1].trial->module_sha256, SHA256_HEX_LEN + 1, "%s", SAMPLE_HASH2);
	assert_int_equal(report_select(&report, "00", &err), ERR_NOT_FOUND);
	assert_int_equal(report.n, 5);
	assert_ok(report_select(&report, SAMPLE_HASH2, &err), &err);
	assert_int_equal(report.n, 1);
	assert_string_equal(report.jobs[0].machine, "large");
}

static void limits(void **state)
{
	_cleanup_report_ struct report report;
	struct report_job job = { .state = REPORT_LEFT_OUT, .reason = (char *)"x" };
	char longer[2 * REPORT_TEXT_MAX];
	struct error err = { 0 };

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	report_init(&report);
	job.reason = longer;
	for (size_t i = 0; i < REPORT_JOBS_MAX; i++) {
		sample_add(&report, &job);
		job.reason = (char *)"x";
	}
	assert_int_equal(strlen(report.jobs[0].reason), REPORT_TEXT_MAX - 1);
	/* The trial of one too many is freed all the same. */
	job = (struct report_job){ .trial = sample_trial("k", "") };
	assert_int_equal(report_add(&report, &job, &err), ERR_TOO_LARGE);
	assert_int_equal(report.n, REPORT_JOBS_MAX);
}

static void cleaning(void **state)
{
	static const struct {
		const char *from, *to;
	} texts[] = {
		{ "plain\n\t~", "plain\n\t~" },
		{ "\x1b[31m\x7f\r", "?[31m??" },
		{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xff\xc3", "??" },                  /* not UTF-8, and cut */
		{ "\xc0\xaf \xe0\x80\xaf", "?? ???" }, /* longer than need be */
		{ "\xed\xa0\x80", "???" },             /* a surrogate */
		{ "\xf4\x90\x80\x80", "????" },        /* over U+10FFFF */
		{ "\xef\xbf\xbe\xef\xbf\xbf", "??????" },
		{ "\xc2\x9b", "??" }, /* a control character of two bytes */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = strdup(texts[i].from);

		assert_non_null(text);
		report_clean_text(text);
		assert_string_equal(text, texts[i].to);
	}
}

static void trial_is_cleaned(void **state)
{
	_cleanup_report_ struct report report;
	const struct trial *t;

	(void)state;
	sample_run(&report);
	t = report.jobs[1].trial;
	assert_null(strchr(t->cases[1].run.message, '\x1b'));
	assert_null(strchr(t->cases[1].run.message, '\xff'));
	assert_non_null(strstr(t->cases[1].excerpt, "\n\tRIP: "));
	assert_null(strchr(t->cases[1].excerpt, '\x1b'));
}

static void print(const struct report *report, unsigned columns, bool colour, char **ret,
		  size_t *len)
{
	FILE *out = open_memstream(ret, len);

	assert_non_null(out);
	assert_int_equal(
		report_print(out, report, &(struct report_text_options){ columns, colour }), 0);
	fclose(out);
}

static void text_of_run(void **state)
{
	_cleanup_report_ struct report report;
	_cleanup_free_ char *text = NULL;
	size_t len;

	(void)state;
	sample_run(&report);
	print(&report, 0, false, &text, &len);
	sample_expect("report", "run.txt", text, len);
}

static void text_of_matrix(void **state)
{
	_cleanup_report_ struct report report;
	_cleanup_free_ char *text = NULL, *coloured = NULL;
	size_t len;

	(void)state;
	sample_matrix(&report);
	print(&report, 80, false, &text, &len);
	sample_expect("report", "matrix.txt", text, len);
	assert_null(strchr(text, '\x1b'));
	print(&report, 80, true, &coloured, &len);
	assert_non_null(strstr(coloured, "\33[1;31mFAILED\33[0m"));
}

/* Eight cases on many machines: no line is wider than the terminal. */
static void grid_fits(void **state)
{
	static const unsigned widths[] = { 80, 100, 160 };

	(void)state;
	for (size_t w = 0; w < ARRAY_SIZE(widths); w++) {
		_cleanup_report_ struct report report;
		_cleanup_free_ char *text = NULL;
		size_t len, lines = 0;

		report_init(&report);
		for (int m = 0; m < 12; m++) {
			struct trial *t = sample_trial("6.12.117+deb12-cloud-amd64", SAMPLE_HASH);
			char machine[16];

			snprintf(machine, sizeof(machine), "machine-%d", m);
			for (int c = 0; c < 8; c++)
				sample_case(t, (char[]){ (char)('a' + c), 0 }, 1000 + m * 8 + c);
			sample_add(&report,
				   &(struct report_job){ .patch = (char *)"a-patch-with-some-name",
							 .machine = machine,
							 .trial = t });
		}
		print(&report, widths[w], false, &text, &len);
		char *rest = NULL;

		for (char *line = strtok_r(text, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest)) {
			assert_true(strlen(line) <= widths[w]);
			lines += strstr(line, "........") != NULL;
		}
		assert_true(lines >= 1 && (widths[w] == 160 || lines > 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),        cmocka_unit_test(passing),
		cmocka_unit_test(totals),        cmocka_unit_test(names),
		cmocka_unit_test(select_module), cmocka_unit_test(limits),
		cmocka_unit_test(cleaning),      cmocka_unit_test(trial_is_cleaned),
		cmocka_unit_test(text_of_run),   cmocka_unit_test(text_of_matrix),
		cmocka_unit_test(grid_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
