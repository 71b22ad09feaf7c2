// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "lab/commands.h"
#include "lab/matrix/matrix_report.h"
#include "lab/matrix/matrix_task.h"
#include "lab/matrix/worker_trial.h"

#define REPORT_MAX (256 * 1024 * 1024)

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

/* The largest machine is the measure. */
static unsigned default_jobs(const struct matrix_file *file)
{
	unsigned most = 0;

	for (size_t i = 0; i < file->machines_n; i++)
		most = MAX(most, file->machines[i].memory_mb);
	return worker_room(most);
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

static int write_result(const struct matrix_store *store, const json_t *json, struct error *err)
{
	_cleanup_free_ char *path = path_join(matrix_store_dir(store), "matrix.json", NULL);

	return path ? json_save_path(json, path, 0644, err)
		    : error_set(err, ERR_NO_MEMORY, "matrix.json");
}

/* Prints the plan as it is by now; `figures` NULL: nothing was run. */
static int report(const struct cli *cli, const struct matrix_store *store,
		  const struct matrix_plan *plan, const struct matrix_figures *figures,
		  struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(REPORT_MAX);
	_cleanup_json_ json_t *json = NULL;
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = matrix_report_json(plan, figures, &json, err);
	if (r == 0 && figures)
		r = write_result(store, json, err);
	if (r < 0)
		return r;
	if (format == CLI_TEXT) {
		matrix_report_print(stdout, plan, figures);
		return 0;
	}
	r = json_append_pretty(json, &text);
	if (r < 0)
		return error_set(err, r, "cannot print");
	fputs(buf_str(&text), stdout);
	return 0;
}

static int run(const struct cli *cli, struct matrix_plan *plan, struct matrix_store *store,
	       struct matrix_run_options *o, struct error *err)
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
		r = report(cli, store, plan, &figures, err);
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
	int64_t jobs = 0;
	int r = matrix_file_load(cli_arg(cli, 0), &file, err);

	if (r == 0)
		r = cli_get_int(cli, "jobs", 1, WORKERS_MAX, default_jobs(&file), &jobs, err);
	if (r == 0)
		r = matrix_find_builder(&builder, err);
	if (r == 0)
		r = open_store(cli, &store, err);
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
		return report(cli, store, &plan, NULL, err);
	return run(cli, &plan, store, &o, err);
}
