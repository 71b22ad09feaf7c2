/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/cli.h"
#include "base/cli_help.h"

struct seen {
	const char *verb;
	char words[256];
};

static int show(struct cli *cli, const char *verb)
{
	struct seen *seen = cli_user(cli);
	size_t n = 0;

	seen->verb = verb;
	for (size_t i = 0; i < cli_argc(cli); i++)
		n += (size_t)snprintf(seen->words + n, sizeof(seen->words) - n, "%s;",
				      cli_arg(cli, i));
	for (size_t i = 0; i < cli_count(cli, "cve"); i++)
		n += (size_t)snprintf(seen->words + n, sizeof(seen->words) - n, "cve=%s;",
				      cli_get_nth(cli, "cve", i));
	if (cli_has(cli, "force"))
		snprintf(seen->words + n, sizeof(seen->words) - n, "force;");
	return EXIT_OK;
}

static int run_key_list(struct cli *cli, struct error *err _unused_)
{
	return show(cli, "key list");
}

static int run_key(struct cli *cli, struct error *err _unused_)
{
	return show(cli, "key");
}

static int run_fail(struct cli *cli _unused_, struct error *err)
{
	return error_set(err, ERR_NOT_PATCHABLE, "cannot");
}

static int run_number(struct cli *cli, struct error *err)
{
	int64_t n;
	int r = cli_get_int(cli, "out", 1, 5, 3, &n, err);

	return r < 0 ? r : (int)n;
}

static int run_print(struct cli *cli _unused_, struct error *err _unused_)
{
	puts("result");
	return EXIT_OK;
}

static const struct cli_option options[] = {
	{ "cve", "NAME", "a CVE", false, 0 },
	{ "out", "FILE", "where to", false, 'o' },
	{ "force", NULL, "do it", false, 'f' },
	{ 0 },
};
static const struct cli_option needs[] = { { "kernel", "RELEASE", "which", true, 0 },
					   { "cve", "NAME", "a CVE", false, 0 },
					   { "force", NULL, "do it", false, 0 },
					   { 0 } };
static const struct cli_verb verbs[] = {
	{ "key list", "[NAME]…", 0, 2, "lists", NULL, options, run_key_list },
	{ "key", "WORD", 1, 1, "one", NULL, options, run_key },
	{ "fail", "", 0, 0, "fails", NULL, NULL, run_fail },
	{ "number", "", 0, 0, "a number", NULL, options, run_number },
	{ "group one", "", 0, 0, "the first of a group", NULL, NULL, run_key },
	{ "group two", "", 0, 0, "the second of a group", NULL, NULL, run_key },
	{ "needs", "", 0, 0, "needs", NULL, needs, run_key },
	{ "print", "", 0, 0, "prints", NULL, NULL, run_print },
	{ 0 },
};
static const struct cli_exit exits[] = { { 4, "cannot be live-patched" }, { -1, NULL } };
static const struct cli_program program = {
	.name = "suture-test", .section = 1, .summary = "tests", .verbs = verbs, .exits = exits
};

static int run_to(struct seen *seen, const char *line, const char *output)
{
	char *argv[32] = { (char *)"suture-test" };
	_cleanup_free_ char *copy = strdup(line);
	int argc = 1, terminal = dup(STDOUT_FILENO), null = open(output, O_WRONLY | O_CLOEXEC);

	*seen = (struct seen){ 0 };
	for (char *rest = copy, *word; (word = strsep(&rest, " ")) && argc < 31;)
		if (*word)
			argv[argc++] = word;
	/* What the program prints must not mix with the test's own lines. */
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	int status = cli_main(&program, argc, argv, seen);
	fflush(stdout);
	dup2(terminal, STDOUT_FILENO);
	close(terminal);
	close(null);
	return status;
}

static int run(struct seen *seen, const char *line)
{
	return run_to(seen, line, "/dev/null");
}

static void verbs_and_options(void **state _unused_)
{
	struct seen seen;

	assert_int_equal(run(&seen, "key list a --cve=1 b --cve 2 -f"), 0);
	assert_string_equal(seen.verb, "key list");
	assert_string_equal(seen.words, "a;b;cve=1;cve=2;force;");
	assert_int_equal(run(&seen, "key x"), 0);
	assert_string_equal(seen.verb, "key");
	assert_int_equal(run(&seen, "key -- --cve"), 0);
	assert_string_equal(seen.words, "--cve;");
	assert_int_equal(run(&seen, "key -"), 0);
	assert_string_equal(seen.words, "-;");
}

static void wrong_command_lines(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"nothing",
		"group",
		"group nothing",
		"group --nothing",
		"--nothing",
		"key",
		"key a b",
		"key list a b c",
		"key a --no",
		"key a --cve",
		"key a -x",
		"key a --force=1",
		"key a -fx",
		"needs",
		"number --out 9",
		"number --out x",
		"number -o",
	};
	struct seen seen;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (run(&seen, bad[i]) != EXIT_USAGE)
			fail_msg("accepted '%s'", bad[i]);
		assert_null(seen.verb);
	}
}

static void results_become_statuses(void **state _unused_)
{
	struct seen seen;

	assert_int_equal(run(&seen, "fail"), 4);
	assert_int_equal(run(&seen, "number"), 3);
	assert_int_equal(run(&seen, "number -o5"), 5);
	assert_int_equal(run(&seen, "number --out=4"), 4);
	assert_int_equal(run(&seen, "print"), 0);
}

static void full_disk_is_no_success(void **state _unused_)
{
	struct seen seen;

	assert_int_equal(run_to(&seen, "print", "/dev/full"), EXIT_ERROR);
	clearerr(stdout);
	assert_int_equal(run_to(&seen, "--version", "/dev/full"), EXIT_ERROR);
	clearerr(stdout);
}

static void help_names_everything(void **state _unused_)
{
	char text[8192] = { 0 };
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");
	struct seen seen;

	cli_help_print(f, &program, NULL);
	cli_help_print(f, &program, &verbs[0]);
	fclose(f);
	assert_non_null(strstr(text, "suture-test key list [OPTION]… [NAME]…"));
	assert_non_null(strstr(text, "-o, --out FILE"));
	assert_non_null(strstr(text, "4  cannot be live-patched"));
	assert_non_null(strstr(text, "2  the command line is wrong"));
	assert_int_equal(run(&seen, "--help"), 0);
	assert_int_equal(run(&seen, "key --help"), 0);
	assert_int_equal(run(&seen, "group --help"), 0);
	assert_int_equal(run(&seen, "--version"), 0);
	assert_int_equal(run(&seen, "--man"), 0);
	assert_null(seen.verb);
}

static void help_of_a_group(void **state _unused_)
{
	char text[8192] = { 0 };
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");

	cli_help_print_group(f, &program, "group");
	fclose(f);
	assert_non_null(strstr(text, "suture-test group one"));
	assert_non_null(strstr(text, "suture-test group two"));
	assert_null(strstr(text, "suture-test key"));
}

/* Help that did not arrive is no success. */
static void help_to_a_full_device(void **state _unused_)
{
	char *argv[] = { (char *)"suture-test", (char *)"--help", NULL };
	int terminal = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	int status = cli_main(&program, 2, argv, NULL);
	dup2(terminal, STDOUT_FILENO);
	close(terminal);
	close(full);
	assert_int_equal(status, EXIT_ERROR);
}

static void secrets(void **state _unused_)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "token", NULL), *secret = NULL;
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, "s3cret\nrest\n", 12, 0600, &err), &err);
	assert_ok(cli_read_secret(path, "token", &secret, &err), &err);
	assert_string_equal(secret, "s3cret");
	assert_ok(file_write_atomic(path, "\n", 1, 0600, &err), &err);
	free(TAKE_PTR(secret));
	assert_int_equal(cli_read_secret(path, "token", &secret, &err), ERR_INVALID);
	_cleanup_free_ char *large = calloc(1, 5001);
	memset(large, 'x', 5000);
	assert_ok(file_write_atomic(path, large, 5000, 0600, &err), &err);
	assert_int_equal(cli_read_secret(path, "token", &secret, &err), ERR_TOO_LARGE);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_and_options),
		cmocka_unit_test(wrong_command_lines),
		cmocka_unit_test(results_become_statuses),
		cmocka_unit_test(full_disk_is_no_success),
		cmocka_unit_test(help_names_everything),
		cmocka_unit_test(help_of_a_group),
		cmocka_unit_test(help_to_a_full_device),
		cmocka_unit_test(secrets),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
