// SPDX-License-Identifier: GPL-2.0-or-later
/* JUnit's XML, and text from anywhere within markup. */
#include "lab/report/junit.h"
#include "lab/report/markup.h"
#include "base/process.h"
#include "sample_report.h"

static void golden(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	_cleanup_report_ struct report report;

	(void)state;
	sample_matrix(&report);
	assert_int_equal(junit_append(&report, &out), 0);
	sample_expect("report", "matrix.xml", out.data, out.len);
}

static void too_large(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	_cleanup_report_ struct report report;

	(void)state;
	sample_matrix(&report);
	assert_int_equal(junit_append(&report, &out), ERR_TOO_LARGE);
}

static void escaping(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000);

	(void)state;
	assert_int_equal(markup_text(&out, "<a b=\"c\" d='e'>&\x1b\xff"), 0);
	assert_string_equal(buf_str(&out), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;??");
	buf_clear(&out);
	assert_int_equal(markup_printf(&out, "%s=%d", "<", 7), 0);
	assert_string_equal(buf_str(&out), "&lt;=7");
}

static void paths(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000);

	(void)state;
	assert_int_equal(markup_path(&out, "javascript:alert(1)\"?a#b c\xff"), 0);
	assert_string_equal(buf_str(&out), "./javascript%3Aalert%281%29%22%3Fa%23b%20c%FF");
	buf_clear(&out);
	assert_int_equal(markup_path(&out, "logs/6.1.0+x/load.log"), 0);
	assert_string_equal(buf_str(&out), "./logs/6.1.0%2Bx/load.log");
}

static void shell_words(void **state)
{
	static const struct {
		const char *from, *to;
	} words[] = {
		{ "6.12.117+deb12-cloud-amd64", "6.12.117+deb12-cloud-amd64" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "~root", "'~root'" },
		{ "$(id);'`", "'$(id);'\\''`'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT(1000);

		assert_int_equal(markup_shell_word(&out, words[i].from), 0);
		assert_string_equal(buf_str(&out), words[i].to);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void fill(char *text, size_t size, uint32_t *seed)
{
	static const char likely[] = "<>&\"']]>\n\t\r\x1b\xc3\xa4\xed\xa0\xef\xbf\xbf-->";
	size_t n = next_random(seed) % size;

	for (size_t i = 0; i < n; i++)
		text[i] = next_random(seed) % 2 ? likely[next_random(seed) % (sizeof(likely) - 1)]
						: (char)(next_random(seed) % 255 + 1);
	text[n] = 0;
}

/* Any bytes from a guest: a parser takes the XML, and finds as many cases as there are. */
static void well_formed(void **state)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "x.xml", NULL);
	const char *const argv[] = {
		"python3", "-c",
		"import sys, xml.etree.ElementTree as t\n"
		"assert len(t.parse(sys.argv[1]).findall('.//testcase')) == 400",
		path, NULL
	};
	_cleanup_buf_ struct buf out = BUF_INIT(8 << 20);
	_cleanup_report_ struct report report;
	struct error err = { 0 };
	uint32_t seed = 1;

	(void)state;
	report_init(&report);
	for (int i = 0; i < 100; i++) {
		struct trial *t = sample_trial("k", SAMPLE_HASH);
		char reason[200];

		fill(t->kernel, sizeof(t->kernel), &seed);
		fill(t->machine, sizeof(t->machine), &seed);
		fill(t->time, sizeof(t->time), &seed);
		for (unsigned k = 0; k < 3; k++) {
			struct trial_case *c = sample_fail(t, "", 1, CAUSE_OOPS, "");

			c->run.verdict = (enum trial_verdict)k;
			c->repeated = k == 1;
			fill(c->name, sizeof(c->name), &seed);
			fill(c->run.message, sizeof(c->run.message), &seed);
			fill(c->first.message, sizeof(c->first.message), &seed);
			fill(c->excerpt, sizeof(c->excerpt), &seed);
			fill(c->log, sizeof(c->log), &seed);
		}
		fill(reason, sizeof(reason), &seed);
		sample_add(&report, &(struct report_job){ .patch = reason,
							  .machine = i % 2 ? reason : NULL,
							  .trial = t });
		sample_add(&report,
			   &(struct report_job){ .state = REPORT_NOT_BUILT, .reason = reason });
	}
	assert_int_equal(junit_append(&report, &out), 0);
	assert_ok(file_write_atomic(path, out.data, out.len, 0600, &err), &err);
	assert_ok(process_run(&(struct process_options){ .argv = argv }, NULL, &err), &err);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),      cmocka_unit_test(too_large),
		cmocka_unit_test(escaping),    cmocka_unit_test(paths),
		cmocka_unit_test(shell_words), cmocka_unit_test(well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
