// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "lab/commands.h"
#include "lab/report/statement.h"
#include "lab/report_output.h"
#include "lab/selftest/selftest.h"
#include "lab/selftest/selftest_files.h"

#define KERNELS_MAX 64

static void say(void *user, const char *kernel, const char *what)
{
	(void)user;
	cli_progress("%s: %s", kernel, what);
}

/* Before anything is fetched: it must have been prepared. */
static int check_kernel(const char *release, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_free_ char *tree = NULL;
	int r = kernel_open(release, &kernel, err);

	if (r == ERR_NOT_FOUND)
		error_hint(err, "prepare it with: suture-build kernel add %s", release);
	return r < 0 ? r : selftest_tree(kernel, &tree, err);
}

static int hold(const struct cli *cli, size_t nth, const char *const *only, struct trial *ret,
		struct error *err)
{
	_cleanup_lab_options_ struct lab_options options = { 0 };
	int64_t jobs = sysconf(_SC_NPROCESSORS_ONLN), limit_s = 300;
	int r = cli_get_int(cli, "make-jobs", 1, 1024, MAX(jobs, (int64_t)1), &jobs, err);

	if (r == 0)
		r = cli_get_int(cli, "timeout", 1, 86400, limit_s, &limit_s, err);
	if (r == 0)
		r = lab_options_get(cli, nth, NULL, &options, err);
	if (r < 0)
		return r;
	return selftest_run(
		&(struct selftest_options){
			.guest = options.guest,
			.kernel = options.kernel,
			.tree = cli_get(cli, "source"),
			.only = only,
			.jobs = (int)jobs,
			.script_timeout_ms = (int)limit_s * 1000,
			.logs = cli_get(cli, "logs"),
			.say = say,
		},
		ret, err);
}

static int check(const struct cli *cli, size_t n, struct error *err)
{
	int r = report_output_check(cli, err);

	if (r < 0)
		return r;
	if (cli_has(cli, "image") || n == 0)
		return error_set(
			err, ERR_USAGE,
			"the selftests are built for a prepared kernel: name it with --kernel");
	if (cli_has(cli, "secure-boot"))
		return error_set(err, ERR_USAGE,
				 "--secure-boot: the modules of the selftests are not signed");
	if (n > KERNELS_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d kernels", KERNELS_MAX);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_kernel(cli_get_nth(cli, "kernel", i), err);
	if (r == 0 && cli_has(cli, "logs"))
		r = file_make_dirs(cli_get(cli, "logs"), 0755, err);
	return r;
}

static int hold_all(const struct cli *cli, size_t n, struct report *report, struct error *err)
{
	size_t scripts = cli_count(cli, "test");
	_cleanup_free_ const char **only = calloc(scripts + 1, sizeof(*only));
	int r = only ? 0 : error_set(err, ERR_NO_MEMORY, "selftests");

	for (size_t i = 0; only && i < scripts; i++)
		only[i] = cli_get_nth(cli, "test", i);
	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ struct trial *trial = calloc(1, sizeof(*trial));

		r = trial ? hold(cli, i, only, trial, err)
			  : error_set(err, ERR_NO_MEMORY, "selftests");
		if (r == 0)
			r = report_add(report, &(struct report_job){ .trial = TAKE_PTR(trial) },
				       err);
	}
	cli_progress("%s", "");
	return r;
}

static int hold_and_print(struct cli *cli, struct error *err)
{
	size_t n = cli_count(cli, "kernel");
	_cleanup_report_ struct report report;
	int r = check(cli, n, err);

	report_init(&report);
	if (r == 0)
		r = hold_all(cli, n, &report, err);
	if (r == 0)
		r = report_output_print(cli, &report, err);
	if (r == 0)
		r = report_output_files(cli, &report, err);
	return r < 0 ? r : report_passed(&report) ? EXIT_OK : EXIT_CASE_FAILED;
}

int command_selftest(struct cli *cli, struct error *err)
{
	return command_in_worker(hold_and_print, cli, err);
}
