/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/log.h"

/* What log_line() puts on standard error. The caller frees. */
static char *logged(enum log_level level, const char *text)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "log", NULL);
	_cleanup_buf_ struct buf out = BUF_INIT(8192);
	struct error err = { 0 };
	int before = dup(STDERR_FILENO), file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(before >= 0 && file >= 0);
	dup2(file, STDERR_FILENO);
	log_line(level, "%s", text);
	dup2(before, STDERR_FILENO);
	close(before);
	close(file);
	assert_ok(file_read(path, &out, &err), &err);
	unit_remove_dir(dir);
	return (char *)buf_take(&out, NULL);
}

static void outside_text_is_one_clean_line(void **state _unused_)
{
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	_cleanup_free_ char *line = logged(LOG_LEVEL_INFO, "a\x1b[2J\nb\x7f");
	assert_string_equal(line, "a?[2J?b?\n");
}

static void systemd_gets_the_priority(void **state _unused_)
{
	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	_cleanup_free_ char *line = logged(LOG_LEVEL_WARNING, "x");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_string_equal(line, "<4>x\n");
}

static void the_level_decides(void **state _unused_)
{
	_cleanup_free_ char *quiet = logged(LOG_LEVEL_DEBUG, "x");
	assert_string_equal(quiet, "");
	log_set_level(LOG_LEVEL_DEBUG);
	_cleanup_free_ char *said = logged(LOG_LEVEL_DEBUG, "x");
	log_set_level(LOG_LEVEL_INFO);
	assert_string_equal(said, "x\n");
}

static void long_lines_are_cut(void **state _unused_)
{
	char longer[5000];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	_cleanup_free_ char *line = logged(LOG_LEVEL_INFO, longer);
	assert_int_equal(strlen(line), 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside_text_is_one_clean_line),
		cmocka_unit_test(systemd_gets_the_priority),
		cmocka_unit_test(the_level_decides),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
