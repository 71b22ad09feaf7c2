/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/trouble and kernel/log: reports of the kernel's log, from lines and from /dev/kmsg. */
#include "unit.h"

#include <sys/stat.h>

#include "kernel/log.h"

static struct kernel_line line_of(const char *text)
{
	return (struct kernel_line){ text, strlen(text) };
}

static void places(void **state)
{
	static const struct {
		const char *line, *symbol, *module;
		bool rip;
	} good[] = {
		{ "RIP: 0010:lookup+0x1a/0x30", "lookup", "", true },
		{ "[   12.345678] RIP: 0010:lookup.cold+0x0/0x3 [suture_x_1_1]", "lookup.cold",
		  "suture_x_1_1", true },
		{ " version_proc_show+0x10/0x40 [suture_x_1_1]", "version_proc_show",
		  "suture_x_1_1", false },
		{ "<4>[    1.0][  T77]  seq_read_iter+0x11f/0x460", "seq_read_iter", "", false },
		{ " f.constprop.0+0x1/0x2 [x 0123456789abcdef]", "f.constprop.0", "x", false },
	};
	static const char *const bad[] = {
		"",
		" ",
		" <TASK>",
		"Call Trace:",
		/* What the unwinder is not sure of blames nobody. */
		" ? version_proc_show+0x10/0x40 [suture_x_1_1]",
		"RIP: 0033:0x7f1b2c3d4e5f",
		"RIP: 0033:f+0x1/0x2",
		"Modules linked in: suture_x_1_1(OEK) [last unloaded: suture_x_1_0(OEK)]",
		" f+0x1/0x2 [suture_x",
		" f+0x1/0x2 [suture_x] and more",
		" f+0x1/0x2 []",
		" f+0x/0x2",
		" f+1/2",
		"+0x1/0x2",
		"x[12]: segfault at 0 ip 0000 sp 0000 error 4 in f+0x1/0x2 [suture_x]",
	};
	struct kernel_place place;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!kernel_line_place(line_of(good[i].line), &place))
			fail_msg("not a place: %s", good[i].line);
		assert_string_equal(place.symbol, good[i].symbol);
		assert_string_equal(place.module, good[i].module);
		assert_int_equal(place.rip, good[i].rip);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (kernel_line_place(line_of(bad[i]), &place))
			fail_msg("a place: %s", bad[i]);
}

/* Feeds lines; returns how many reports were complete, the last one through `ret`. */
static int feed(struct kernel_reporter *reporter, const char *const *lines,
		struct kernel_report *ret)
{
	int n = 0;

	for (; *lines; lines++)
		if (kernel_reporter_take(reporter, line_of(*lines))) {
			*ret = reporter->report;
			n++;
		}
	return n;
}

static void an_oops_in_the_patch(void **state)
{
	static const char *const lines[] = {
		"something else",
		"BUG: kernel NULL pointer dereference, address: 0000000000000008",
		"#PF: supervisor write access in kernel mode",
		"Oops: 0002 [#1] PREEMPT SMP NOPTI",
		"CPU: 0 PID: 99 Comm: cat Tainted: G           OE K    6.1.0-56-cloud-amd64",
		"RIP: 0010:version_proc_show+0x10/0x40 [suture_x_1_1]",
		"Code: 00 00",
		"Call Trace:",
		" <TASK>",
		" ? __die_body+0x1a/0x60",
		" seq_read_iter+0x11f/0x460",
		" </TASK>",
		"Modules linked in: suture_x_1_1(OEK)",
		"---[ end trace 0000000000000000 ]---",
		"RIP: 0010:version_proc_show+0x10/0x40 [suture_x_1_1]",
		NULL,
	};
	struct kernel_reporter reporter = { 0 };
	struct kernel_report report;

	(void)state;
	assert_int_equal(feed(&reporter, lines, &report), 1);
	assert_int_equal(report.trouble, KERNEL_TROUBLE_OOPS);
	assert_string_equal(report.headline, "BUG: kernel NULL pointer dereference, address: ...");
	assert_true(report.in_livepatch && report.has_place);
	assert_string_equal(report.where.module, "suture_x_1_1");
	assert_string_equal(report.rip.symbol, "version_proc_show");
	assert_false(reporter.open);
}

static void others(void **state)
{
	const char *lines[] = {
		"------------[ cut here ]------------",
		"WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2",
		"RIP: 0010:f+0x1/0x2",
		" ? g+0x1/0x2 [suture_x_1_1]",
		"Modules linked in: suture_x_1_1(OEK)",
		/* No end of the trace: the next one begins. */
		"------------[ cut here ]------------",
		"kernel BUG at kernel/x.c:2!",
		"invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
		"RIP: 0010:g+0x1/0x2 [other]",
		" h+0x1/0x2 [suture_x_1_1]",
		"---[ end trace 0000000000000000 ]---",
		NULL,
	};
	struct kernel_reporter reporter = { 0 };
	struct kernel_report report;

	(void)state;
	assert_int_equal(feed(&reporter, lines, &report), 2);
	assert_int_equal(report.trouble, KERNEL_TROUBLE_OOPS);
	assert_true(report.in_livepatch);
	assert_string_equal(report.where.symbol, "h");
	assert_false(kernel_reporter_flush(&reporter));
	reporter = (struct kernel_reporter){ 0 };
	lines[6] = NULL;
	assert_int_equal(feed(&reporter, lines, &report), 1);
	assert_int_equal(report.trouble, KERNEL_TROUBLE_WARNING);
	assert_false(report.in_livepatch);
	assert_string_equal(report.rip.symbol, "f");
}

#define OOPS_END  "RIP: 0010:f+0x1/0x2 [suture_x_1_1]", "---[ end trace 0000000000000000 ]---"
#define TRACE     "Call Trace:", " <TASK>", " dump_stack_lvl+0x1/0x2", " f+0x1/0x2 [suture_x_1_1]"
#define INVOKED   " invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
#define WARNED    "WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2 [suture_x_1_1]"
#define LINES_MAX 12
#define SEGFAULT  "[1]: segfault at 0 ip 0000000000000000 sp 0000000000000000 error 4 in x[1+2]"

/* What is a whole oops, as 6.1 and 6.12 print it, and what a program's name makes look like one. */
static void whole_oopses(void **state)
{
	static const struct {
		enum kernel_trouble trouble;
		const char *lines[LINES_MAX];
	} cases[] = {
		{ KERNEL_TROUBLE_OOPS,
		  { "BUG: unable to handle page fault for address: ffffc90000000008",
		    "Oops: 0002 [#1] PREEMPT SMP NOPTI", OOPS_END } },
		{ KERNEL_TROUBLE_OOPS, { "Oops: Oops: 0002 [#1] PREEMPT_RT SMP PTI", OOPS_END } },
		/* A call of what is no code. */
		{ KERNEL_TROUBLE_OOPS,
		  { "BUG: kernel NULL pointer dereference, address: 0000000000000000",
		    "Oops: 0010 [#2] SMP", "RIP: 0010:0x0", TRACE,
		    "---[ end trace 0000000000000000 ]---" } },
		{ KERNEL_TROUBLE_OOPS,
		  { "general protection fault, probably for non-canonical address "
		    "0xdead000000000100: 0000 [#1] PREEMPT SMP NOPTI",
		    OOPS_END } },
		{ KERNEL_TROUBLE_OOPS,
		  { "Oops: general protection fault, maybe for address 0xffff888000000000: 0000 "
		    "[#1] SMP",
		    OOPS_END } },
		{ KERNEL_TROUBLE_OOPS,
		  { "kernel BUG at mm/x.c:1!", "invalid opcode: 0000 [#1] SMP PTI", OOPS_END } },
		{ KERNEL_TROUBLE_OOPS,
		  { "kernel BUG at mm/x.c:1!", "Oops: invalid opcode: 0000 [#1] SMP", OOPS_END } },
		{ KERNEL_TROUBLE_OOPS, { "divide error: 0000 [#1] SMP KASAN", OOPS_END } },
		{ KERNEL_TROUBLE_OOPS, { "Oops: divide error: 0000 [#1] SMP", OOPS_END } },
		{ KERNEL_TROUBLE_OOPS, { "stack segment: 0000 [#1] SMP", OOPS_END } },
		{ KERNEL_TROUBLE_OOPS, { "overflow: 0000 [#1] SMP", OOPS_END } },
		/* Out of memory in the patch, as a program of a well chosen name. */
		{ KERNEL_TROUBLE_WARNING, { "BUG: x" INVOKED, TRACE } },
		{ KERNEL_TROUBLE_WARNING, { "Oops: 0002 [#1]" INVOKED, TRACE } },
		{ KERNEL_TROUBLE_WARNING, { "traps: PANIC:" INVOKED, TRACE } },
		{ KERNEL_TROUBLE_WARNING,
		  { "BUG: x: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL)", TRACE } },
		/* A warning in whose time such a program dies. */
		{ KERNEL_TROUBLE_WARNING, { WARNED, "BUG: x" SEGFAULT, OOPS_END } },
		{ KERNEL_TROUBLE_WARNING, { WARNED, "Oops: 0002 [#1]" SEGFAULT, OOPS_END } },
		{ KERNEL_TROUBLE_WARNING,
		  { WARNED, "pids controller in /x: 0000 [#1] SMP", OOPS_END } },
		{ KERNEL_TROUBLE_WARNING,
		  { WARNED, "general protection fault in /x: 000 [#1]", OOPS_END } },
		/* Not all of it is there. */
		{ KERNEL_TROUBLE_WARNING, { "Oops: 0002 [#1] SMP", TRACE } },
		{ KERNEL_TROUBLE_WARNING,
		  { "Oops: 0002 [#1] SMP", TRACE, "---[ end trace 0000000000000000 ]---" } },
		{ KERNEL_TROUBLE_WARNING,
		  { "Oops: 0002 [#1] SMP", "RIP: 0010:f+0x1/0x2 [suture_x_1_1]",
		    "---[ end trace 0000000000000000 ]" } },
		{ KERNEL_TROUBLE_LOCKUP, { "watchdog: BUG: soft lockup - CPU#0", OOPS_END } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_reporter reporter = { 0 };
		struct kernel_report report = { 0 };

		if (feed(&reporter, cases[i].lines, &report) == 0 &&
		    kernel_reporter_flush(&reporter))
			report = reporter.report;
		if (report.trouble != cases[i].trouble || !report.in_livepatch)
			fail_msg("%s: %s", cases[i].lines[0], kernel_trouble_name(report.trouble));
	}
}

/* What a program's name began is not held against the patch when an oops elsewhere follows, and a
 * name does not end a report. */
static void one_after_another(void **state)
{
	static const char *const lines[] = {
		"BUG: x" INVOKED,
		TRACE,
		"divide error: 0000 [#1] SMP",
		"RIP: 0010:other+0x1/0x2",
		"---[ end trace x" SEGFAULT,
		"---[ end trace 0000000000000000 ]---",
		NULL,
	};
	struct kernel_reporter reporter = { 0 };
	struct kernel_report report;

	(void)state;
	assert_int_equal(feed(&reporter, lines, &report), 1);
	assert_int_equal(report.trouble, KERNEL_TROUBLE_OOPS);
	assert_false(report.in_livepatch);
	assert_string_equal(report.rip.symbol, "other");
	assert_string_equal(report.headline, "divide error: 0000 [#1] SMP");
}

static void no_addresses(void **state)
{
	static const struct {
		const char *line, *headline;
	} cases[] = {
		{ "BUG: unable to handle page fault for address: ffffc900DEADBEEF",
		  "BUG: unable to handle page fault for address: ..." },
		{ "BUG: 0xffffffffc0000000: and 0x12345678, 0x1234567",
		  "BUG: ...: and ..., 0x1234567" },
		{ "BUG: 12345678", "BUG: ..." },
		{ "BUG: 0x", "BUG: 0x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_reporter reporter = { 0 };

		assert_false(kernel_reporter_take(&reporter, line_of(cases[i].line)));
		assert_string_equal(reporter.report.headline, cases[i].headline);
	}
}

static void without_end(void **state)
{
	struct kernel_reporter reporter = { 0 };
	int n = 0;

	(void)state;
	assert_false(kernel_reporter_take(&reporter, line_of("BUG: x")));
	while (!kernel_reporter_take(&reporter, line_of("BUG: y")) && n < 10000)
		n++;
	assert_int_equal(n, KERNEL_REPORT_LINES_MAX - 2);
	assert_int_equal(kernel_line_judge(line_of("watchdog: BUG: soft lockup - CPU#0 stuck")),
			 KERNEL_TROUBLE_LOCKUP);
	assert_string_equal(kernel_trouble_name(KERNEL_TROUBLE_LOCKUP), "lockup");
}

static void records(void **state)
{
	static const struct {
		const char *line;
		int r;
	} cases[] = {
		{ "6,339,5140900,-;NET: Registered", 0 },
		{ "6,339,5140900,-,caller=T1;NET: a;b", 0 },
		{ "30,340,5690716,-;udevd[80]: starting", 0 },
		{ " SUBSYSTEM=acpi", ERR_NOT_FOUND },
		{ "", ERR_INVALID },
		{ "6,339;x", ERR_INVALID },
		{ "6,339,5140900,-", ERR_INVALID },
		{ "-6,339,5140900,-;x", ERR_INVALID },
		{ "6,99999999999999999999999,1,-;x", ERR_INVALID },
	};
	struct kernel_record record;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(kernel_record_parse(cases[i].line, strlen(cases[i].line), &record),
				 cases[i].r);
	assert_int_equal(kernel_record_parse(cases[1].line, strlen(cases[1].line), &record), 0);
	assert_true(record.of_kernel);
	assert_int_equal(record.sequence, 339);
	assert_int_equal(record.text.len, 8);
	assert_memory_equal(record.text.text, "NET: a;b", 8);
	/* Anybody who may write to /dev/kmsg can say so. */
	assert_int_equal(kernel_record_parse(cases[2].line, strlen(cases[2].line), &record), 0);
	assert_false(record.of_kernel);
}

/* A root with a pipe as /dev/kmsg; its writing end through `ret_fd`. */
static char *make_root(int *ret_fd)
{
	char *root = unit_make_dir();
	_cleanup_free_ char *dev = path_join(root, "dev", NULL);
	_cleanup_free_ char *kmsg = path_join(root, "dev/kmsg", NULL);

	assert_int_equal(mkdir(dev, 0700), 0);
	assert_int_equal(mkfifo(kmsg, 0600), 0);
	*ret_fd = open(kmsg, O_RDWR | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
	return root;
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void from_the_device(void **state)
{
	struct kernel_log *log = NULL;
	struct kernel_report report;
	struct error err = { 0 };
	char *root;
	int fd;

	(void)state;
	root = make_root(&fd);
	assert_ok(kernel_log_open(root, &log, &err), &err);
	assert_int_equal(kernel_log_read(log, 100, 0, &report), 0);
	assert_int_equal(kernel_log_next(log), 0);
	/* The first is no word of the kernel's; the last line is cut in two. */
	say(fd, "12,7,1,-;BUG: said by somebody\n3,8,1,-;BUG: by the kernel\n DEVICE=x\n"
		"3,9,1,-;RIP: 0010:f+0x1/0x2 [suture_x_1_1]\n4,10,1,-;---[ end");
	assert_int_equal(kernel_log_read(log, 100, 1000, &report), 0);
	assert_int_equal(kernel_log_timeout_ms(log, 1500), KERNEL_REPORT_MS - 500);
	say(fd, " trace 0 ]---\n6,11,1,-;more\n");
	assert_int_equal(kernel_log_read(log, 100, 1600, &report), 1);
	assert_string_equal(report.headline, "BUG: by the kernel");
	assert_true(report.in_livepatch);
	assert_int_equal(report.lines, 3);
	assert_int_equal(kernel_log_next(log), 11);
	assert_int_equal(kernel_log_read(log, 100, 1600, &report), 0);
	assert_int_equal(kernel_log_next(log), 12);
	assert_int_equal(kernel_log_timeout_ms(log, 1600), -1);
	/* A report that does not end is complete after its time. */
	say(fd, "4,12,1,-;INFO: task sh:1 blocked\n");
	assert_int_equal(kernel_log_read(log, 100, 5000, &report), 0);
	assert_int_equal(kernel_log_read(log, 100, 5000 + KERNEL_REPORT_MS, &report), 1);
	assert_int_equal(report.trouble, KERNEL_TROUBLE_WARNING);
	/* No more than was asked for is read at once. */
	for (int i = 0; i < 50; i++)
		say(fd, "6,13,1,-;x\n");
	assert_int_equal(kernel_log_read(log, 20, 9000, &report), -EAGAIN);
	assert_int_equal(kernel_log_read(log, 30, 9000, &report), -EAGAIN);
	assert_int_equal(kernel_log_read(log, 30, 9000, &report), 0);
	/* The end of the file ends it all. */
	close(fd);
	assert_int_equal(kernel_log_read(log, 30, 9000, &report), 0);
	assert_int_equal(kernel_log_fd(log), -1);
	kernel_log_free(log);
	unit_remove_dir(root);
}

/* After a restart: a file, which can be read again from its beginning as the device can. */
static void rewinds(void **state)
{
	static const char text[] = "3,1,1,-;BUG: before the load\n3,2,1,-;---[ end trace 0 ]---\n"
				   "5,3,1,-;livepatch: enabling patch 'suture_x_1_1'\n"
				   "3,4,1,-;BUG: first\n3,5,1,-;---[ end trace 0 ]---\n"
				   "3,6,1,-;BUG: second\n3,7,1,-;---[ end trace 0 ]---\n";
	char *root = unit_make_dir();
	_cleanup_free_ char *dev = path_join(root, "dev", NULL);
	_cleanup_free_ char *kmsg = path_join(root, "dev/kmsg", NULL);
	static const struct {
		const char *module, *headline;
		uint64_t from;
	} cases[] = {
		{ "suture_x_1_1", "BUG: first", 0 },
		{ "suture_x_1_1", "BUG: second", 6 },
		/* Its line has been overwritten: all of the log is later. */
		{ "suture_x_1_2", "BUG: before the load", 0 },
	};
	struct kernel_report report;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(mkdir(dev, 0700), 0);
	assert_ok(file_write_atomic(kmsg, text, strlen(text), 0600, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_log *log = NULL;

		assert_ok(kernel_log_open(root, &log, &err), &err);
		kernel_log_rewind(log, cases[i].from, cases[i].module);
		assert_int_equal(kernel_log_read(log, 100, 0, &report), 1);
		assert_string_equal(report.headline, cases[i].headline);
		kernel_log_free(log);
	}
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(an_oops_in_the_patch),
		cmocka_unit_test(others),
		cmocka_unit_test(without_end),
		cmocka_unit_test(records),
		cmocka_unit_test(from_the_device),
		cmocka_unit_test(rewinds),
		cmocka_unit_test(whole_oopses),
		cmocka_unit_test(one_after_another),
		cmocka_unit_test(no_addresses),
	};

	return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
