/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/crash: evidence of an earlier crash, from pstore, its archive, and crash dumps. */
#include "unit.h"

#include <sys/stat.h>
#include <sys/time.h>

#include "kernel/crash.h"

static const char panic_record[] =
	"Panic#1 Part1\n<4>[   60.1] BUG: kernel NULL pointer dereference\n"
	"<0>[   60.2] Kernel panic - not syncing: Fatal exception\n";

static void put(const char *root, const char *path, const char *text, time_t time)
{
	_cleanup_free_ char *full = path_join(root, path, NULL);
	_cleanup_free_ char *dir = strdup(full);
	struct timeval times[2] = { { .tv_sec = time }, { .tv_sec = time } };
	struct error err = { 0 };

	*strrchr(dir, '/') = 0;
	assert_ok(file_make_dirs(dir, 0755, &err), &err);
	assert_ok(file_write_atomic(full, text, strlen(text), 0600, &err), &err);
	assert_int_equal(utimes(full, times), 0);
}

static void records(void **state)
{
	static const struct {
		const char *text;
		enum kernel_trouble trouble; /* NONE: no evidence */
		const char *headline;
	} cases[] = {
		{ panic_record, KERNEL_TROUBLE_PANIC, "BUG: kernel NULL pointer dereference" },
		{ "Panic#2 Part1\n<0>[1.0] Kernel panic - not syncing: x\n", KERNEL_TROUBLE_PANIC,
		  "Kernel panic - not syncing: x" },
		{ "Oops#1 Part1\n<4>[1.0] nothing to see\n", KERNEL_TROUBLE_OOPS, "" },
		{ "Oops#1 Part1", KERNEL_TROUBLE_OOPS, "" },
		/* What tells of no crash, whatever the log holds. */
		{ "Shutdown#1 Part1\n<0>[1.0] Kernel panic - not syncing: x\n", KERNEL_TROUBLE_NONE,
		  NULL },
		{ "Emergency#1 Part1\n", KERNEL_TROUBLE_NONE, NULL },
		{ "Unknown#1 Part1\n", KERNEL_TROUBLE_NONE, NULL },
		{ "Panic#1 Part2\n<0>[1.0] Kernel panic - not syncing: x\n", KERNEL_TROUBLE_NONE,
		  NULL },
		{ "Panic#1 Part11\n", KERNEL_TROUBLE_NONE, NULL },
		{ "Panic# Part1\n", KERNEL_TROUBLE_NONE, NULL },
		{ "Panic#1 Part1 \n", KERNEL_TROUBLE_NONE, NULL },
		{ "x Panic#1 Part1\n", KERNEL_TROUBLE_NONE, NULL },
		{ "", KERNEL_TROUBLE_NONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_crashes found = { 0 };

		kernel_crash_parse(cases[i].text, strlen(cases[i].text), 5, &found);
		if (found.n != (cases[i].trouble != KERNEL_TROUBLE_NONE))
			fail_msg("%s: %zu", cases[i].text, found.n);
		if (!found.n)
			continue;
		assert_int_equal(found.items[0].trouble, cases[i].trouble);
		assert_string_equal(found.items[0].headline, cases[i].headline);
		assert_int_equal(found.items[0].time, 5);
		assert_int_equal(strlen(found.items[0].id), 16);
	}
}

/* As systemd-pstore joins the parts of two crashes. */
static void joined(void **state)
{
	static const char text[] = "Panic#1 Part2\n<6>[1.0] early\nPanic#1 Part1\n<0>[2.0] Kernel "
				   "panic - not syncing: a\nOops#2 Part1\n<4>[3.0] BUG: b\n";
	struct kernel_crashes found = { 0 };

	(void)state;
	kernel_crash_parse(text, strlen(text), 1, &found);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.items[0].headline, "Kernel panic - not syncing: a");
	assert_string_equal(found.items[1].headline, "BUG: b");
	/* The same again is nothing new. */
	kernel_crash_parse(text, strlen(text), 2, &found);
	assert_int_equal(found.n, 2);
}

static void searched(void **state)
{
	char *root = unit_make_dir();
	struct kernel_crashes found = { 0 };
	_cleanup_free_ char *link = path_join(root, "sys/fs/pstore/dmesg-link", NULL);

	(void)state;
	kernel_crash_find(root, &found);
	assert_int_equal(found.n, 0);
	put(root, "sys/fs/pstore/dmesg-ramoops-0", panic_record, 100);
	/* The same record, moved; and another one, joined, in folders. */
	put(root, "var/lib/systemd/pstore/dmesg-ramoops-0", panic_record, 200);
	put(root, "var/lib/systemd/pstore/1700000000/001/dmesg.txt",
	    "Oops#1 Part1\n<4>[1.0] BUG: old\n", 50);
	put(root, "sys/fs/pstore/console-ramoops-0", panic_record, 300);
	put(root, "var/crash/202601010000/dmesg.202601010000",
	    "[    1.0] fine\n[    2.0] Kernel panic - not syncing: sysrq triggered crash\n", 400);
	put(root, "var/crash/202601020000/dmesg.202601020000", "[    1.0] fine\n", 500);
	put(root, "var/crash/202601030000/dump.202601030000", "KDUMP", 600);
	put(root, "var/crash/_usr_bin_x.0.crash", panic_record, 700);
	/* A record that is none of pstore's. */
	put(root, "elsewhere", "Panic#1 Part1\nlinked\n", 800);
	assert_int_equal(symlink("../../../elsewhere", link), 0);
	kernel_crash_find(root, &found);
	assert_int_equal(found.n, 4);
	assert_int_equal(found.items[0].time, 600);
	assert_string_equal(found.items[0].where, "crash dump");
	assert_string_equal(found.items[1].headline,
			    "Kernel panic - not syncing: sysrq triggered crash");
	assert_int_equal(found.items[1].trouble, KERNEL_TROUBLE_PANIC);
	assert_string_equal(found.items[2].headline, "BUG: kernel NULL pointer dereference");
	assert_int_equal(found.items[3].trouble, KERNEL_TROUBLE_OOPS);
	unit_remove_dir(root);
}

/* More than there is room for: the newest stay, whatever the order. */
static void bounded(void **state)
{
	struct kernel_crashes found = { 0 };
	char text[64];

	(void)state;
	for (int i = 0; i < 300; i++) {
		int time = i * 7 % 300;

		snprintf(text, sizeof(text), "Panic#%d Part1\n", time);
		kernel_crash_parse(text, strlen(text), time, &found);
	}
	assert_int_equal(found.n, KERNEL_CRASHES_MAX);
	for (int i = 0; i < KERNEL_CRASHES_MAX; i++)
		assert_int_equal(found.items[i].time, 299 - i);
}

/* Only the end of a large log is read. */
static void large(void **state)
{
	char *root = unit_make_dir();
	size_t len = 3 * KERNEL_CRASH_READ;
	char *text = malloc(len + sizeof(panic_record));
	struct kernel_crashes found = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, 'x', len);
	text[len - 1] = '\n';
	memcpy(text + len, panic_record, sizeof(panic_record));
	put(root, "sys/fs/pstore/dmesg-erst-1", text, 100);
	free(text);
	kernel_crash_find(root, &found);
	assert_int_equal(found.n, 1);
	unit_remove_dir(root);
}

/* What others than this user have put there does not count. */
static void of_others(void **state)
{
	char *root;
	_cleanup_free_ char *dump = NULL, *dir = NULL, *record = NULL;
	struct kernel_crashes found = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	root = unit_make_dir();
	put(root, "var/crash/a/dump.1", "KDUMP", 1);
	put(root, "var/crash/b/dump.1", "KDUMP", 1);
	put(root, "sys/fs/pstore/dmesg-x-1", panic_record, 1);
	record = path_join(root, "sys/fs/pstore/dmesg-x-1", NULL);
	assert_int_equal(chown(record, 1, 1), 0);
	dump = path_join(root, "var/crash/a/dump.1", NULL);
	dir = path_join(root, "var/crash/b", NULL);
	assert_int_equal(chown(dump, 1, 1), 0);
	assert_int_equal(chown(dir, 1, 1), 0);
	kernel_crash_find(root, &found);
	assert_int_equal(found.n, 0);
	unit_remove_dir(root);
}

/* As much of it as they like hides nothing of ours. */
static void crowded_by_others(void **state)
{
	char *root;
	_cleanup_free_ char *crash = NULL;
	struct kernel_crashes found = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	root = unit_make_dir();
	crash = path_join(root, "var/crash", NULL);
	for (unsigned int i = 0; i < 4 * KERNEL_CRASH_ENTRIES; i++) {
		_cleanup_free_ char *path = NULL;
		char name[64];

		/* A folder lists them in an order of its own: some of ours are amid them. */
		if (i % 256 == 0) {
			snprintf(name, sizeof(name), "var/crash/2026010%u0000/dump", i / 256);
			put(root, name, "KDUMP", 600 + i);
		}
		snprintf(name, sizeof(name), "_usr_bin_%u", i);
		path = path_join(crash, name, NULL);
		assert_int_equal(file_make_dirs(path, 0755, NULL), 0);
		assert_int_equal(chown(path, 1, 1), 0);
	}
	kernel_crash_find(root, &found);
	assert_int_equal(found.n, 8);
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(joined),
		cmocka_unit_test(searched),
		cmocka_unit_test(bounded),
		cmocka_unit_test(large),
		cmocka_unit_test(of_others),
		cmocka_unit_test(crowded_by_others),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
