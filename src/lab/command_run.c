// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/file.h"
#include "lab/commands.h"
#include "lab/trial/case_table.h"
#include "lab/report/statement.h"
#include "lab/report_output.h"

#define KERNELS_MAX 64

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

static int hold_all(const struct cli *cli, size_t n, struct report *report, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ struct trial *trial = calloc(1, sizeof(*trial));

		r = trial ? hold(cli, i, trial, err) : error_set(err, ERR_NO_MEMORY, "trial");
		if (r == 0)
			r = report_add(report, &(struct report_job){ .trial = TAKE_PTR(trial) },
				       err);
	}
	cli_progress("%s", "");
	return r;
}

int command_run(struct cli *cli, struct error *err)
{
	size_t n = MAX(cli_count(cli, "kernel"), (size_t)1);
	const char *record = cli_get(cli, "record");
	_cleanup_report_ struct report report;
	int r = 0;

	report_init(&report);
	if (n > KERNELS_MAX)
		r = error_set(err, ERR_TOO_LARGE, "more than %d kernels", KERNELS_MAX);
	if (r == 0)
		r = hold_all(cli, n, &report, err);
	if (r == 0)
		r = report_output_text(&report, err);
	if (r == 0 && record)
		r = statement_save(&report, record, err);
	if (r == 0)
		r = report_output_files(cli, &report, err);
	return r < 0 ? r : report_passed(&report) ? EXIT_OK : EXIT_CASE_FAILED;
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
