// SPDX-License-Identifier: GPL-2.0-or-later
/* A command whose guests, compilers and folders go however it ends. */
#include <signal.h>
#include <stdio.h>

#include "lab/commands.h"
#include "lab/guest/work_folder.h"
#include "lab/matrix/worker.h"

struct call {
	cli_run_fn command;
	struct cli *cli;
};

static void call(void *user, struct worker_out *out)
{
	const struct call *c = user;
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct error err = { 0 };

	/* A compiler that is killed leaves its files. */
	if (runtime)
		setenv("TMPDIR", runtime, 1);

	int r = c->command(c->cli, &err);

	if (fflush(stdout) != 0 && r >= 0)
		r = error_set(&err, -EIO, "cannot write to standard output");
	if (r < 0) {
		worker_answer_error(out, r, &err);
		return;
	}
	_cleanup_json_ json_t *status = json_pack("{s:i}", "status", r);

	if (!status)
		_exit(1);
	worker_answer(out, status);
}

static int take_end(struct worker_pool *pool, struct error *err)
{
	struct worker_end end;
	int64_t status = 0;
	int r = worker_wait(pool, &end, err);

	if (r < 0)
		return r;
	if (end.how != WORKER_ANSWERED)
		return error_set(err, ERR_CHILD, "%s", end.message);
	r = worker_take_error(end.answer, err);
	if (r == 0)
		r = json_get_int(end.answer, "status", 0, 255, &status, err);
	json_decref(end.answer);
	return r < 0 ? r : (int)status;
}

int command_in_worker(cli_run_fn command, struct cli *cli, struct error *err)
{
	struct call c = { command, cli };
	struct worker_pool *pool = NULL;
	char *runtime = NULL;
	int signal_number = 0, r = work_folder_make(&runtime, err);

	if (r == 0)
		r = worker_pool_new(NULL, NULL, &pool, err);
	if (r == 0) {
		worker_pool_keep_output(pool);
		r = worker_start(pool, call, &c, NULL, runtime, 0, err);
	}
	if (r == 0) {
		r = take_end(pool, err);
		signal_number = worker_signal(pool);
	}
	worker_pool_free(pool);
	work_folder_remove(runtime);
	/* It ends as it would have by itself, only that all was put in order first. */
	if (signal_number) {
		cli_progress("%s", "");
		raise(signal_number);
	}
	return r;
}
