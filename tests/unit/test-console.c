// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macro.h"
#include "lab/guest/console.h"

static struct console_report classify(const char *log)
{
	struct console_report report;

	console_classify(log, strlen(log), &report);
	return report;
}

static void test_clean(void **state)
{
	(void)state;
	assert_int_equal(classify("").verdict, CONSOLE_CLEAN);
	struct console_report r =
		classify("[    0.000000] Linux version 6.1.0\r\n"
			 "[    1.0] livepatch: 'suture_x': patching complete\n"
			 "[    1.1] x: loading out-of-tree module taints kernel.\n"
			 "[    1.2] hello: this is no WARNING: it does not begin the line\n"
			 "[    1.3] printed BUG: too\n"
			 "no newline at the end");

	assert_int_equal(r.verdict, CONSOLE_CLEAN);
	assert_int_equal(r.count, 0);
	assert_string_equal(r.excerpt, "");
}

static void test_panic(void **state)
{
	(void)state;
	char line[80];
	struct console_report r = classify(
		"[    4.9] sysrq: Trigger a crash\r\n"
		"[    5.0] Kernel panic - not syncing: sysrq triggered crash\r\n"
		"[    5.1] CPU: 0 PID: 77 Comm: sh Not tainted\r\n"
		"[    5.2] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---\r\n"
		"SeaBIOS\n");

	assert_int_equal(r.verdict, CONSOLE_PANIC);
	assert_string_equal(console_verdict_name(r.verdict), "panic");
	assert_null(strstr(r.excerpt, "Trigger"));
	assert_non_null(strstr(r.excerpt, "CPU: 0"));
	assert_null(strstr(r.excerpt, "SeaBIOS"));
	console_headline(&r, line, sizeof(line));
	assert_string_equal(line, "Kernel panic - not syncing: sysrq triggered crash");
	console_headline(&r, line, 13);
	assert_string_equal(line, "Kernel panic");
}

static void test_each_kind(void **state)
{
	(void)state;
	static const struct {
		const char *log;
		enum console_verdict verdict;
	} cases[] = {
		{ "[1.0] BUG: kernel NULL pointer dereference, address: 0", CONSOLE_OOPS },
		{ "[1.0][   T77] BUG: unable to handle page fault for address: 1", CONSOLE_OOPS },
		{ "<1>[1.0] Oops: 0002 [#1] PREEMPT SMP", CONSOLE_OOPS },
		{ "Oops: Oops: 0002 [#1] PREEMPT SMP", CONSOLE_OOPS },
		{ "[1.0] general protection fault, probably for non-canonical", CONSOLE_OOPS },
		{ "[1.0] kernel BUG at kernel/livepatch/core.c:1!", CONSOLE_OOPS },
		{ "[1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2", CONSOLE_WARNING },
		{ "[1.0] Unpatched return thunk in use. This should not happen!", CONSOLE_WARNING },
		{ "[1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s!", CONSOLE_OOPS },
		{ "[1.0] watchdog: Watchdog detected hard LOCKUP on cpu 1", CONSOLE_OOPS },
		{ "[1.0] NMI watchdog: Watchdog detected hard LOCKUP on cpu 1", CONSOLE_OOPS },
		{ "[1.0] Watchdog detected hard LOCKUP on cpu 1", CONSOLE_OOPS },
		{ "[1.0] INFO: task sh:1 blocked for more than 120 seconds.", CONSOLE_WARNING },
		{ "[1.0] rcu: INFO: rcu_preempt detected stalls", CONSOLE_WARNING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(classify(cases[i].log).verdict, cases[i].verdict);
}

static void test_worst_wins(void **state)
{
	(void)state;
	struct console_report r = classify("[1.0] WARNING: first\n"
					   "[2.0] BUG: second\n"
					   "[3.0] WARNING: third\n");

	assert_int_equal(r.verdict, CONSOLE_OOPS);
	assert_int_equal(r.count, 3);
	assert_memory_equal(r.excerpt, "[2.0] BUG: second\n", 18);
}

static void test_panic_of_oops(void **state)
{
	(void)state;
	struct console_report r = classify("[1.0] WARNING: before\n"
					   "[2.0] BUG: kernel NULL pointer dereference\n"
					   "[3.0] Kernel panic - not syncing: Fatal exception\n");

	assert_int_equal(r.verdict, CONSOLE_PANIC);
	assert_memory_equal(r.excerpt, "[2.0] BUG: kernel NULL", 22);
}

/* A hostile guest writes what it likes. */
static void test_hostile_bytes(void **state)
{
	(void)state;
	static char log[200000];
	struct console_report r;

	memset(log, 0xff, sizeof(log));
	memcpy(log, "BUG: \x1b[2J\0", 10);
	console_classify(log, sizeof(log), &r);
	assert_int_equal(r.verdict, CONSOLE_OOPS);
	assert_true(strlen(r.excerpt) < CONSOLE_EXCERPT_MAX);
	for (const char *p = r.excerpt; *p; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
	/* Only newlines, stamps without an end, and a stamp that is the whole line. */
	for (size_t i = 0; i < sizeof(log); i++)
		log[i] = "\n[<"[i % 3];
	console_classify(log, sizeof(log), &r);
	assert_int_equal(r.verdict, CONSOLE_CLEAN);
	assert_int_equal(classify("[1.0]").verdict, CONSOLE_CLEAN);
	assert_int_equal(classify("[1.0]").verdict, CONSOLE_CLEAN);
}

static void test_cut(void **state)
{
	(void)state;
	static const char log[] =
		"[    1.0] a\n[    2.0] sysrq: Show Blocked State\n[    2.1] task:x \x1b\n";
	char cut[CONSOLE_EXCERPT_MAX];

	console_cut(log, strlen(log), "sysrq: Show", cut);
	assert_string_equal(cut, "[    2.0] sysrq: Show Blocked State\n[    2.1] task:x ?\n");
	console_cut(log, strlen(log), "Show", cut);
	assert_string_equal(cut, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),         cmocka_unit_test(test_panic),
		cmocka_unit_test(test_each_kind),     cmocka_unit_test(test_worst_wins),
		cmocka_unit_test(test_panic_of_oops), cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
