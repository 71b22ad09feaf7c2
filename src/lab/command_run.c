// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "lab/commands.h"
#include "lab/trial/case_table.h"
#include "lab/report/trial_report.h"

#define KERNELS_MAX 64
#define JUNIT_MAX   (16 * 1024 * 1024)

static void say(void *user, const char *kernel, const char *what)
{
	(void)user;
	cli_progress("%s: %s", kernel, what);
}

static int hold(const struct cli *cli, size_t nth, struct trial *ret, struct error *err)
{
	_cleanup_lab_trial_ struct lab_trial trial = { 0 };
	int r = lab_trial_get(cli, nth, &trial, err);

	trial.options.say = say;
	trial.options.logs = cli_get(cli, "logs");
	return r < 0 ? r : trial_run(&trial.options, ret, err);
}

static int write_reports(const struct cli *cli, const struct trial *trials, size_t n,
			 struct error *err)
{
	const char *record = cli_get(cli, "record"), *junit = cli_get(cli, "junit");
	_cleanup_buf_ struct buf xml = BUF_INIT(JUNIT_MAX);
	_cleanup_json_ json_t *json = NULL;
	int r = 0;

	if (record)
		r = trial_report_json(trials, n, cli_get(cli, "module"), &json, err);
	if (r == 0 && record)
		r = json_save_path(json, record, 0644, err);
	if (r < 0 || !junit)
		return r;
	r = trial_report_junit(trials, n, &xml);
	return r < 0 ? error_set(err, r, "%s", junit)
		     : file_write_atomic(junit, xml.data, xml.len, 0644, err);
}

int command_run(struct cli *cli, struct error *err)
{
	size_t n = MAX(cli_count(cli, "kernel"), (size_t)1);
	_cleanup_free_ struct trial *trials = calloc(n, sizeof(*trials));
	bool passed = true;
	int r = 0;

	if (!trials || n > KERNELS_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d kernels", KERNELS_MAX);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = hold(cli, i, &trials[i], err);
		passed = passed && r == 0 && trial_passed(&trials[i]);
	}
	cli_progress("%s", "");
	if (r == 0)
		trial_report_print(stdout, trials, n);
	if (r == 0)
		r = write_reports(cli, trials, n, err);
	return r < 0 ? r : passed ? EXIT_OK : EXIT_CASE_FAILED;
}

int command_cases(struct cli *cli, struct error *err)
{
	(void)cli;
	(void)err;
	for (size_t i = 0; i < case_kinds_n; i++)
		printf("%-14s%s%s\n", case_kinds[i].name, case_kinds[i].what,
		       case_kinds[i].standard ? "" : " (only if asked for)");
	return EXIT_OK;
}
