// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "lab/commands.h"
#include "lab/guest/host_room.h"
#include "lab/matrix/matrix_report.h"
#include "lab/matrix/matrix_task.h"
#include "lab/matrix/worker_trial.h"
#include "lab/report/statement.h"
#include "lab/report_output.h"

static void say(void *user, const char *text)
{
	(void)user;
	cli_progress("%s", text);
}

static void note(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "suture-lab: counts as missing: %s\n", text);
}

/* The largest machine is the measure. One more than there are processors for: while one waits for
 * the network or the disk, the others compute. */
static unsigned default_jobs(const struct matrix_file *file)
{
	unsigned threads = 1, memory_mb = 0;
	struct host_room room;

	for (size_t i = 0; i < file->machines_n; i++) {
		const struct matrix_machine *m = &file->machines[i];

		memory_mb = MAX(memory_mb, m->memory_mb);
		if (m->accel != GUEST_TCG)
			threads = MAX(threads, m->cpus);
	}
	host_room_read("", &room);
	room.cpus += threads;
	return MIN(host_room_fit(&room, threads, memory_mb), (unsigned)WORKERS_MAX);
}

/* --only, as an array with NULL at its end. */
static const char **only(const struct cli *cli)
{
	size_t n = cli_count(cli, "only");
	const char **list = calloc(n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = cli_get_nth(cli, "only", i);
	return list;
}

static int open_store(const struct cli *cli, struct matrix_store **ret, struct error *err)
{
	_cleanup_buf_ struct buf beside = BUF_INIT(8192);
	const char *dir = cli_get(cli, "output");

	if (!dir && buf_printf(&beside, "%s.d", cli_arg(cli, 0)) == 0)
		dir = buf_str(&beside);
	return dir ? matrix_store_open(dir, ret, err) : error_set(err, ERR_NO_MEMORY, "--output");
}

static int open_log(const struct matrix_store *store, FILE **ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(matrix_store_dir(store), "log", NULL);

	*ret = path ? fopen(path, "ae") : NULL;
	return *ret ? 0 : error_set_errno(err, errno, "%s", path ? path : "log");
}

/* A plan that is not run. */
static int print_plan(const struct matrix_plan *plan, enum cli_format format, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = 0;

	if (format == CLI_TEXT) {
		matrix_report_print(stdout, plan);
		return 0;
	}
	r = matrix_report_json(plan, NULL, &json, err);
	return r < 0 ? r : json_print(json, err);
}

/* The forms of the result that lie in the memory's folder. */
static int write_results(const struct matrix_store *store, const json_t *json,
			 const struct report *report, struct error *err)
{
	const char *dir = matrix_store_dir(store);
	_cleanup_free_ char *matrix = path_join(dir, "matrix.json", NULL),
			    *record = path_join(dir, "record.json", NULL);

	if (!matrix || !record)
		return error_set(err, ERR_NO_MEMORY, "results");

	int r = json_save_path(json, matrix, 0644, err);

	return r < 0 ? r : statement_save(report, record, err);
}

static int report_all(const struct cli *cli, const struct matrix_store *store,
		      const struct matrix_plan *plan, const struct matrix_figures *figures,
		      enum cli_format format, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	_cleanup_report_ struct report report;
	int r = matrix_report_json(plan, figures, &json, err);

	report_init(&report);
	if (r == 0)
		r = matrix_report_fill(plan, figures, &report, err);
	if (r == 0)
		r = write_results(store, json, &report, err);
	if (r == 0)
		r = report_output_files(cli, &report, err);
	if (r < 0 || format == CLI_JSON)
		return r < 0 ? r : json_print(json, err);
	r = report_output_text(&report, err);
	if (r == 0 && figures->held > 0)
		matrix_report_times(stdout, plan, figures);
	return r;
}

static int run(const struct cli *cli, struct matrix_plan *plan, struct matrix_store *store,
	       struct matrix_run_options *o, enum cli_format format, struct error *err)
{
	_cleanup_fclose_ FILE *log = NULL;
	struct matrix_figures figures;
	int signal_number = 0, r = open_log(store, &log, err);

	if (r < 0)
		return r;
	o->log = log;
	r = matrix_run(plan, store, o, &figures, &signal_number, err);
	cli_progress("%s", "");
	if (r == 0)
		r = report_all(cli, store, plan, &figures, format, err);
	matrix_figures_free(&figures);
	/* It ends as it would have by itself, only that everything was put in order first. */
	if (signal_number)
		raise(signal_number);
	return r < 0 ? r : matrix_plan_passed(plan) ? EXIT_OK : EXIT_CASE_FAILED;
}

int command_matrix(struct cli *cli, struct error *err)
{
	_cleanup_matrix_file_ struct matrix_file file = { 0 };
	_cleanup_matrix_plan_ struct matrix_plan plan = { 0 };
	_cleanup_(matrix_store_freep) struct matrix_store *store = NULL;
	_cleanup_free_ char *builder = NULL;
	_cleanup_free_ const char **patterns = only(cli);
	enum cli_format format = CLI_TEXT;
	int64_t jobs = 0;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = matrix_file_load(cli_arg(cli, 0), &file, err);
	if (r == 0)
		r = cli_get_int(cli, "jobs", 1, WORKERS_MAX, default_jobs(&file), &jobs, err);
	if (r == 0)
		r = matrix_find_builder(&builder, err);
	if (r == 0)
		r = open_store(cli, &store, err);
	/* Reports may lie in the memory's folder, which is there by now. */
	if (r == 0)
		r = report_output_check(cli, err);
	if (r < 0)
		return r;

	struct matrix_run_options o = { .plan = { .only = patterns,
						  .builder = builder,
						  .again = cli_has(cli, "again"),
						  .keep_failures = cli_has(cli, "keep-failures"),
						  .note = note },
					.jobs = (unsigned)jobs,
					.discard = cli_has(cli, "discard-kernels"),
					.say = say };

	r = matrix_plan_make(&file, store, &o.plan, &plan, err);
	if (r < 0)
		return r;
	if (cli_has(cli, "plan"))
		return print_plan(&plan, format, err);
	return run(cli, &plan, store, &o, format, err);
}
