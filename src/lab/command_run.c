// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/commands.h"
#include "lab/guest/host_room.h"
#include "lab/guest/work_folder.h"
#include "lab/matrix/worker_trial.h"
#include "lab/report_output.h"
#include "lab/trial/case_table.h"

#define KERNELS_MAX 64

/* What a worker is told: which of the kernels is its own; and what came of it. */
struct share {
	const struct cli *cli;
	size_t nth;
	char *logs; /* that of --logs, or its own folder below it; NULL: none */
	struct trial *trial;
	struct error err; /* code 0: it was held */
};

/* "DIR"; with several kernels "DIR/RELEASE", and "DIR/RELEASE-2" for one that is given once more.
 */
static int logs_of_share(const struct share *share, bool several, char **ret, struct error *err)
{
	const char *logs = cli_get(share->cli, "logs");
	const char *release = cli_get_nth(share->cli, "kernel", share->nth);
	size_t times = 1;
	char name[256];

	if (!logs)
		return 0;
	if (!several) {
		*ret = strdup(logs);
		return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "logs");
	}
	for (size_t i = 0; i < share->nth; i++)
		times += streq(cli_get_nth(share->cli, "kernel", i), release);
	if (times == 1)
		snprintf(name, sizeof(name), "%s", path_base(release));
	else
		snprintf(name, sizeof(name), "%s-%zu", path_base(release), times);
	*ret = path_join(logs, name, NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "logs");
}

static void free_shares(struct share *shares, size_t n)
{
	for (size_t i = 0; shares && i < n; i++) {
		free(shares[i].logs);
		free(shares[i].trial);
	}
	free(shares);
}

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
	options.options.logs = share->logs;
	if (r == 0 && share->logs)
		r = file_make_dirs(share->logs, 0755, &err);
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

/* Takes one worker's end. What went wrong with it is of this kernel alone. */
static int take_end(struct worker_pool *pool, struct error *err)
{
	struct worker_end end;
	int r = worker_wait(pool, &end, err);

	if (r < 0)
		return r;

	struct share *share = end.tag;

	if (end.how != WORKER_ANSWERED)
		error_set(&share->err, ERR_CHILD, "%s", end.message);
	else
		worker_take_trial(end.answer, share->trial, &share->err);
	json_decref(end.answer);
	return 0;
}

/* `jobs` at once. *ret_signal: what interrupted it, or 0; then too nothing is left behind. */
static int hold_shares(struct share *shares, size_t n, size_t jobs, int *ret_signal,
		       struct error *err)
{
	_cleanup_(work_folder_removep) char *runtime = NULL; /* goes after the workers */
	_cleanup_(worker_pool_freep) struct worker_pool *pool = NULL;
	size_t started = 0, ended = 0;
	int r = work_folder_make(&runtime, err);

	if (r == 0)
		r = worker_pool_new(heard, NULL, &pool, err);
	while (r == 0 && ended < n) {
		if (started < n && worker_count(pool) < jobs) {
			r = worker_start(pool, hold_share, &shares[started], &shares[started],
					 runtime, 0, err);
			started++;
		} else {
			r = take_end(pool, err);
			ended++;
		}
	}
	*ret_signal = pool ? worker_signal(pool) : 0;
	return r;
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

static int make_shares(const struct cli *cli, size_t n, struct share **ret, struct error *err)
{
	struct share *shares = calloc(n, sizeof(*shares));
	int r = shares ? 0 : error_set(err, ERR_NO_MEMORY, "trial");

	for (size_t i = 0; r == 0 && i < n; i++) {
		shares[i] = (struct share){ .cli = cli, .nth = i };
		shares[i].trial = calloc(1, sizeof(*shares[i].trial));
		if (!shares[i].trial)
			r = error_set(err, ERR_NO_MEMORY, "trial");
		if (r == 0)
			r = logs_of_share(&shares[i], n > 1, &shares[i].logs, err);
	}
	if (r < 0)
		free_shares(shares, n);
	else
		*ret = shares;
	return r;
}

/* A kernel that could not be tried is in the report too, and why. */
static int add_share(struct report *report, struct share *share, struct error *err)
{
	char *logs = share->logs && path_is_safe_relative(share->logs) ? share->logs : NULL;
	struct report_job job = { .logs = logs };

	if (share->err.code == 0) {
		job.trial = TAKE_PTR(share->trial);
		return report_add(report, &job, err);
	}
	job.state = REPORT_NOT_HELD;
	job.kernel = (char *)cli_get_nth(share->cli, "kernel", share->nth);
	job.reason = share->err.message;
	return report_add(report, &job, err);
}

static size_t count_broken(const struct share *shares, size_t n)
{
	size_t broken = 0;

	for (size_t i = 0; i < n; i++)
		broken += shares[i].err.code != 0;
	return broken;
}

/* Every kernel is tried by a worker. The results of those that could
 * be tried stay, whatever became of the others; *ret_broken: how many these are. */
static int hold_all(const struct cli *cli, size_t n, struct report *report, size_t *ret_broken,
		    struct error *err)
{
	struct share *shares = NULL;
	int64_t jobs = 1;
	int signal_number = 0, r = default_jobs(cli, &jobs, err);

	if (r == 0)
		r = cli_get_int(cli, "jobs", 1, WORKERS_MAX, jobs, &jobs, err);
	if (r == 0)
		r = make_shares(cli, n, &shares, err);
	if (r < 0)
		return r;
	r = hold_shares(shares, n, (size_t)jobs, &signal_number, err);
	cli_progress("%s", "");
	*ret_broken = count_broken(shares, n);
	if (r == 0 && *ret_broken == n) {
		*err = shares[0].err;
		r = err->code;
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_share(report, &shares[i], err);
	free_shares(shares, n);
	/* It ends as it would have by itself, only that the guests were ended first. */
	if (signal_number)
		raise(signal_number);
	return r;
}

int command_run(struct cli *cli, struct error *err)
{
	size_t n = MAX(cli_count(cli, "kernel"), (size_t)1);
	_cleanup_report_ struct report report;
	size_t broken = 0;
	int r = 0;

	report_init(&report);
	if (n > KERNELS_MAX)
		r = error_set(err, ERR_TOO_LARGE, "more than %d kernels", KERNELS_MAX);
	if (r == 0)
		r = report_output_check(cli, err);
	if (r == 0)
		r = hold_all(cli, n, &report, &broken, err);
	if (r == 0)
		r = report_output_print(cli, &report, err);
	if (r == 0)
		r = report_output_files(cli, &report, err);
	if (r == 0 && broken > 0)
		return EXIT_ERROR;
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
