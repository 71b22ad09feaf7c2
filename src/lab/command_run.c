// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/commands.h"
#include "lab/guest/host_room.h"
#include "lab/guest/work_folder.h"
#include "lab/matrix/worker_trial.h"
#include "lab/report/statement.h"
#include "lab/report_output.h"
#include "lab/trial/case_table.h"

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

/* What a worker is told: which of the kernels is its own. */
struct share {
	const struct cli *cli;
	size_t nth;
};

static void say_to_parent(void *user, const char *kernel, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", kernel, what);
	worker_say(user, text);
}

static void hold_share(void *user, struct worker_out *out)
{
	const struct share *share = user;
	_cleanup_lab_trial_ struct lab_trial options = { 0 };
	_cleanup_free_ struct trial *trial = calloc(1, sizeof(*trial));
	struct error err = { 0 };
	int r = trial ? lab_trial_get(share->cli, share->nth, &options, &err) : ERR_NO_MEMORY;

	options.options.say = say_to_parent;
	options.options.user = out;
	options.options.logs = cli_get(share->cli, "logs");
	if (r == 0)
		r = trial_run(&options.options, trial, &err);
	worker_answer_trial(out, r, trial, &err);
}

static void heard(void *user, void *tag, const char *text)
{
	(void)user;
	(void)tag;
	cli_progress("%s", text);
}

/* Takes one worker's end; the first error ends it all. */
static int take_end(struct worker_pool *pool, struct trial **trials, const struct share *shares,
		    struct error *err)
{
	struct worker_end end;
	int r = worker_wait(pool, &end, err);

	if (r < 0)
		return r;

	const struct share *share = end.tag;

	if (end.how != WORKER_ANSWERED)
		r = error_set(err, ERR_CHILD, "--kernel %s: %s",
			      cli_get_nth(share->cli, "kernel", share->nth), end.message);
	else
		r = worker_take_trial(end.answer, trials[share - shares], err);
	json_decref(end.answer);
	return r;
}

/* Several kernels, `jobs` at once. *ret_signal: what interrupted it, or 0. */
static int hold_several(const struct cli *cli, size_t n, size_t jobs, struct trial **trials,
			int *ret_signal, struct error *err)
{
	_cleanup_(worker_pool_freep) struct worker_pool *pool = NULL;
	_cleanup_(work_folder_removep) char *runtime = NULL;
	_cleanup_free_ struct share *shares = calloc(n, sizeof(*shares));
	size_t started = 0, ended = 0;
	int r = work_folder_make(&runtime, err);

	if (r == 0)
		r = shares ? worker_pool_new(heard, NULL, &pool, err)
			   : error_set(err, ERR_NO_MEMORY, "workers");
	while (r == 0 && ended < n) {
		if (started < n && worker_count(pool) < jobs) {
			shares[started] = (struct share){ cli, started };
			r = worker_start(pool, hold_share, &shares[started], &shares[started],
					 runtime, 0, err);
			started++;
		} else {
			r = take_end(pool, trials, shares, err);
			ended++;
		}
	}
	*ret_signal = pool ? worker_signal(pool) : 0;
	return r;
}

/* The folder of the logs as records and pages may name it: relative, or not at all. */
static char *logs_of_report(const struct cli *cli)
{
	const char *logs = cli_get(cli, "logs");

	return logs && path_is_safe_relative(logs) ? (char *)logs : NULL;
}

/* How many guests at once if nothing is said. */
static int default_jobs(const struct cli *cli, int64_t *ret, struct error *err)
{
	const char *accel = cli_get(cli, "accel");
	int64_t memory = 512, cpus = 1;
	int r = cli_get_int(cli, "memory", 128, 65536, memory, &memory, err);

	if (r == 0)
		r = cli_get_int(cli, "cpus", 1, 8, cpus, &cpus, err);
	if (r < 0)
		return r;
	bool one_thread = !accel || streq(accel, "tcg");

	*ret = MIN(host_room_jobs(one_thread ? 1 : (unsigned)cpus, (unsigned)memory),
		   (unsigned)WORKERS_MAX);
	return 0;
}

/* One kernel is tried by this process itself, several by workers. */
static int hold_all(const struct cli *cli, size_t n, struct report *report, struct error *err)
{
	_cleanup_free_ struct trial **trials = calloc(n, sizeof(struct trial *));
	char *logs = logs_of_report(cli);
	int64_t jobs = 1;
	int signal_number = 0, r = default_jobs(cli, &jobs, err);

	if (r == 0)
		r = cli_get_int(cli, "jobs", 1, WORKERS_MAX, jobs, &jobs, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!trials || !(trials[i] = calloc(1, sizeof(**trials))))
			r = error_set(err, ERR_NO_MEMORY, "trial");
	if (r == 0)
		r = n == 1 ? hold(cli, 0, trials[0], err)
			   : hold_several(cli, n, (size_t)jobs, trials, &signal_number, err);
	cli_progress("%s", "");
	for (size_t i = 0; trials && i < n; i++)
		if (r == 0)
			r = report_add(report,
				       &(struct report_job){ .logs = logs, .trial = trials[i] },
				       err);
		else
			free(trials[i]);
	/* It ends as it would have by itself, only that the guests were ended first. */
	if (signal_number)
		raise(signal_number);
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
