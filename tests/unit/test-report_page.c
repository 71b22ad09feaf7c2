// SPDX-License-Identifier: GPL-2.0-or-later
/* The page: what is in it, that guests cannot put markup in it, its size, and shell commands. */
#include "lab/report/report_page.h"
#include "lab/report/shell_command.h"
#include "base/process.h"
#include "sample_report.h"

static void make(const struct report *report, struct buf *out)
{
	*out = BUF_INIT(PAGE_MAX);
	assert_int_equal(report_page_append(report, out), 0);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* A parser of HTML sees the elements that we wrote and no others; every link leads somewhere. */
static const char script[] =
	"import sys\n"
	"from html.parser import HTMLParser\n"
	"ours = set('html head meta title style body header h1 p dl div dt dd small main h2 ul li a '\n"
	"           'span br b table thead tbody tr th td section details summary code pre '\n"
	"           'footer'.split())\n"
	"known = set('lang charset name content http-equiv class href title id style open colspan '\n"
	"            'rowspan'.split())\n"
	"ids, links, cells = set(), set(), 0\n"
	"class Reader(HTMLParser):\n"
	"    def handle_starttag(self, tag, attributes):\n"
	"        global cells\n"
	"        assert tag in ours, tag\n"
	"        for name, value in attributes:\n"
	"            assert name in known, name\n"
	"            if name == 'id':\n"
	"                assert value not in ids, value\n"
	"                ids.add(value)\n"
	"            if name == 'href':\n"
	"                assert value.startswith(('#', './')), value\n"
	"                links.add(value)\n"
	"page = open(sys.argv[1], encoding='utf-8').read()\n"
	"Reader().feed(page)\n"
	"assert all(link[1:] in ids for link in links if link[0] == '#'), links\n"
	"assert 'http:' not in page and 'https:' not in page and 'url(' not in page\n";

static void parse(const struct buf *page)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "x.html", NULL);
	const char *const argv[] = { "python3", "-c", script, path, NULL };
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, page->data, page->len, 0600, &err), &err);
	assert_ok(process_run(&(struct process_options){ .argv = argv }, NULL, &err), &err);
	unit_remove_dir(dir);
}

static void content(void **state)
{
	static const char *const wanted[] = {
		"<title>Lab report: failed</title>",
		"<dt>Combinations</dt><dd>5<small>2 patches × 2 kernels × 2 machines",
		"title=\"reproducer: failed, 2.2 s\">✗</a>",
		"title=\"cycles: failed, and passed when it was repeated, 4.0 s\">↻</a>",
		"<b>not built</b>: f: no ftrace entry",
		"<b>not held</b>: interrupted",
		"The first time: <b>hang</b> no answer (9.0 s)",
		"this kernel has no kmemleak",
		"<code>suture-lab shell --matrix m.conf one/large</code>",
		"<code>suture-lab shell --kernel 6.1.0-40-cloud-amd64 --module fix.ko --cpus 2 "
		"--accel tcg-multi</code>",
		"href=\"./logs/one/6.1.0-40-cloud-amd64.reproducer.log\"",
		"<td class=num>4.0 s</td><td><a href=\"#t1-3\">cycles</a>",
		"BUG: NULL pointer\n\tRIP: f+0x1",
		"prefers-color-scheme:dark",
	};
	_cleanup_report_ struct report report;
	_cleanup_buf_ struct buf page;

	(void)state;
	sample_matrix(&report);
	make(&report, &page);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(buf_str(&page), wanted[i]))
			fail_msg("not in the page: %s", wanted[i]);
	parse(&page);
}

/* All that a guest, a record or a matrix file says is hostile. */
static void hostile(void **state)
{
	static const char evil[] = SAMPLE_EVIL "\" onclick=\"x";
	_cleanup_report_ struct report report;
	_cleanup_buf_ struct buf page;

	(void)state;
	report_init(&report);
	for (int i = 0; i < 2; i++) {
		struct trial *t = sample_bad_trial(evil, evil);

		snprintf(t->kernel, sizeof(t->kernel), "%s", evil);
		snprintf(t->build_id, sizeof(t->build_id), "%s", evil);
		snprintf(t->module, sizeof(t->module), "%s", evil);
		snprintf(t->machine, sizeof(t->machine), "%s", evil);
		snprintf(t->time, sizeof(t->time), "%.31s", evil);
		snprintf(t->cases[i].name, sizeof(t->cases[i].name), "%.31s", evil);
		snprintf(t->cases[i].first.message, sizeof(t->cases[i].first.message), "%s", evil);
		snprintf(t->cases[i].log, sizeof(t->cases[i].log), "javascript:%s", evil);
		sample_add(&report, &(struct report_job){ .patch = i ? (char *)evil : NULL,
							  .machine = i ? (char *)evil : NULL,
							  .logs = (char *)evil,
							  .shell = i ? (char *)evil : NULL,
							  .trial = t });
	}
	sample_add(&report, &(struct report_job){ .state = REPORT_NOT_BUILT,
						  .kernel = (char *)evil,
						  .reason = (char *)evil });
	make(&report, &page);
	assert_null(strstr(buf_str(&page), "<script"));
	assert_null(strchr(buf_str(&page), '\x1b'));
	parse(&page);
}

/* 33 kernels, 2 patches, 8 cases, and every one fails with all the log that it can have. */
static void large(void **state)
{
	_cleanup_report_ struct report report;
	_cleanup_buf_ struct buf page;

	(void)state;
	report_init(&report);
	for (int i = 0; i < 66; i++) {
		char kernel[65];

		snprintf(kernel, sizeof(kernel), "6.12.%d+deb12-cloud-amd64", i / 2);
		struct trial *t = sample_trial(kernel, SAMPLE_HASH);

		for (int c = 0; c < 8; c++) {
			char name[] = { 'c', 'a', 's', 'e', '-', (char)('a' + c), 0 };
			struct trial_case *one = sample_fail(t, name, 1000, CAUSE_OOPS,
							     "a task died in the function");

			memset(one->excerpt, '<', sizeof(one->excerpt) - 1);
		}
		sample_add(&report,
			   &(struct report_job){ .patch = i % 2 ? (char *)"one" : (char *)"two",
						 .machine = (char *)"standard",
						 .trial = t });
	}
	make(&report, &page);
	assert_true(page.len < 1000000);
	assert_true(count(buf_str(&page), "<pre>") >= 20);
	assert_true(count(buf_str(&page), "is in the record") > 400);
}

static void too_large(void **state)
{
	_cleanup_report_ struct report report;
	_cleanup_buf_ struct buf page = BUF_INIT(10000);

	(void)state;
	sample_matrix(&report);
	assert_int_equal(report_page_append(&report, &page), ERR_TOO_LARGE);
}

static void shell_commands(void **state)
{
	static const struct {
		const char *machine, *kernel, *command;
	} cases[] = {
		{ "pc, 1 cpu, 512 MB, tcg", "6.1.0", "suture-lab shell --kernel 6.1.0" },
		{ "q35, 4 cpus, 1024 MB, tcg-multi Haswell, secure boot", "6.1.0",
		  "suture-lab shell --kernel 6.1.0 --machine q35 --cpus 4 --memory 1024 "
		  "--accel tcg-multi --cpu Haswell --secure-boot" },
		{ "pc, 1 cpu, 512 MB, tcg, secure boot", "6.1.0",
		  "suture-lab shell --kernel 6.1.0 --secure-boot" },
		{ "", "x;reboot", "suture-lab shell --kernel 'x;reboot'" },
		{ "a b;c, 2 cpus, 512 MB, $(id)", "6.1.0",
		  "suture-lab shell --kernel 6.1.0 --machine 'a b;c' --cpus 2 --accel '$(id)'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct trial *t = sample_trial(cases[i].kernel, "");
		_cleanup_buf_ struct buf out = BUF_INIT(1000);

		t->module[0] = 0;
		snprintf(t->machine, sizeof(t->machine), "%s", cases[i].machine);
		assert_int_equal(shell_command_append(&(struct report_job){ .trial = t }, &out), 0);
		assert_string_equal(buf_str(&out), cases[i].command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content),        cmocka_unit_test(hostile),
		cmocka_unit_test(large),          cmocka_unit_test(too_large),
		cmocka_unit_test(shell_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
