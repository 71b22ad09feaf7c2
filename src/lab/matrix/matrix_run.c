// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_run.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/guest/work_folder.h"
#include "lab/matrix/matrix_task.h"
#include "lab/matrix/worker_trial.h"
#include "package/kernel_cache.h"

#define ADD_MS    (60 * 60 * 1000)
#define BUILD_MS  (30 * 60 * 1000)
#define REMOVE_MS (10 * 60 * 1000)
#define ARGS_MAX  (MATRIX_WORDS_MAX + 16)

enum task_kind { TASK_NONE, TASK_ADD, TASK_BUILD, TASK_TRIAL, TASK_DISCARD };

struct task {
	enum task_kind kind;
	size_t place; /* of the kernel, module or job */
};

enum kernel_state { KERNEL_NEW, KERNEL_ADDING, KERNEL_READY, KERNEL_FAILED, KERNEL_GONE };

struct kernel_work {
	enum kernel_state state;
	bool ours; /* a matrix put it into the cache */
	bool laid; /* being added or ready: with its source tree */
	unsigned running;
	char reason[ERROR_MESSAGE_MAX];
};

struct run {
	struct matrix_plan *plan;
	struct matrix_store *store;
	const struct matrix_run_options *o;
	struct worker_pool *pool;
	struct kernel_work *kernels;
	bool *building; /* by place of the module */
	bool *trying;   /* by place of the job */
	struct task tasks[WORKERS_MAX];
	struct matrix_figures *figures;
	char *runtime;
	size_t done;
};

static void write_log(struct run *run, const char *what, const char *name, const char *how,
		      int64_t ms, int64_t cpu_ms)
{
	char now[CLOCK_TEXT_MAX];

	if (!run->o->log)
		return;
	clock_format(clock_now(), now);
	fprintf(run->o->log, "%s %s %s: %s", now, what, name, how);
	if (ms >= 0)
		fprintf(run->o->log, ", %.1f s, processor %.1f s", (double)ms / 1000,
			(double)cpu_ms / 1000);
	fputc('\n', run->o->log);
	fflush(run->o->log);
}

/* What a task is called in the log and on the terminal. */
static void task_name(const struct run *run, const struct task *t, char ret[static MATRIX_JOB_NAME])
{
	const struct matrix_plan *plan = run->plan;

	if (t->kind == TASK_TRIAL) {
		matrix_job_name(plan, &plan->jobs[t->place], ret);
	} else if (t->kind == TASK_BUILD) {
		const struct matrix_module *m = &plan->modules[t->place];

		snprintf(ret, MATRIX_JOB_NAME, "%s/%s", plan->file->patches[m->patch].name,
			 plan->kernels[m->kernel].release);
	} else {
		snprintf(ret, MATRIX_JOB_NAME, "%s", plan->kernels[t->place].release);
	}
}

static const char *kind_name(enum task_kind kind)
{
	static const char *const names[] = { "", "add", "build", "try", "discard" };

	return names[kind];
}

static void said(void *user, void *tag, const char *text)
{
	struct run *run = user;
	char name[MATRIX_JOB_NAME], line[MATRIX_JOB_NAME + 320];

	if (!run->o->say)
		return;
	task_name(run, tag, name);
	snprintf(line, sizeof(line), "%zu of %zu: %s: %s", run->done, run->plan->jobs_n, name,
		 text);
	run->o->say(run->o->user, line);
}

static size_t kernel_of(const struct run *run, const struct task *t)
{
	return t->kind == TASK_TRIAL   ? run->plan->jobs[t->place].kernel
	       : t->kind == TASK_BUILD ? run->plan->modules[t->place].kernel
				       : t->place;
}

static void settle_job(struct run *run, struct matrix_job *job, enum matrix_job_state state)
{
	char name[MATRIX_JOB_NAME];

	job->state = state;
	run->done++;
	matrix_job_name(run->plan, job, name);
	write_log(run, "job", name, matrix_job_state_name(state), -1, 0);
}

/* A marker for each kernel that a matrix added, so that a later run knows. */
static char *marker(const struct run *run, size_t kernel)
{
	return path_join(matrix_store_dir(run->store), "added", run->plan->kernels[kernel].release,
			 NULL);
}

static int set_marker(struct run *run, size_t kernel, struct error *err)
{
	_cleanup_free_ char *path = marker(run, kernel);
	_cleanup_free_ char *folder = path_join(matrix_store_dir(run->store), "added", NULL);

	if (!path || !folder)
		return error_set(err, ERR_NO_MEMORY, "added");

	int r = file_make_dirs(folder, 0755, err);

	return r < 0 ? r : file_write_atomic(path, "", 0, 0644, err);
}

static void clear_marker(struct run *run, size_t kernel)
{
	_cleanup_free_ char *path = marker(run, kernel);

	if (path)
		(void)file_remove(path, NULL);
}

static bool is_cached(const struct run *run, size_t kernel)
{
	_cleanup_kernel_ struct kernel *k = NULL;

	return kernel_open(run->plan->kernels[kernel].release, &k, NULL) == 0;
}

static bool has_jobs(const struct run *run, size_t kernel)
{
	for (size_t i = 0; i < run->plan->jobs_n; i++)
		if (run->plan->jobs[i].kernel == kernel)
			return true;
	return false;
}

static bool has_jobs_left(const struct run *run, size_t kernel)
{
	for (size_t i = 0; i < run->plan->jobs_n; i++)
		if (run->plan->jobs[i].kernel == kernel && run->plan->jobs[i].state == JOB_WAITS)
			return true;
	return false;
}

/* A module of the kernel is still to be built: it must be prepared for that. */
static bool needs_preparing(const struct run *run, size_t kernel)
{
	for (size_t p = 0; p < run->plan->file->patches_n; p++) {
		const struct matrix_module *m = matrix_plan_module(run->plan, p, kernel);

		if (m->wanted && m->state == MODULE_UNKNOWN && !run->plan->file->patches[p].module)
			return true;
	}
	return false;
}

/* Kernels of the cache that are ours and still in use: what bounds the disk. */
static size_t open_kernels(const struct run *run)
{
	size_t n = 0;

	for (size_t k = 0; k < run->plan->kernels_n; k++)
		n += run->kernels[k].ours && has_jobs_left(run, k) &&
		     (run->kernels[k].state == KERNEL_ADDING ||
		      run->kernels[k].state == KERNEL_READY);
	return n;
}

static bool shares_source(const struct run *run, size_t a, size_t b)
{
	const char *source = run->plan->kernels[a].source;

	return a != b && *source && streq(source, run->plan->kernels[b].source);
}

/* Two that need the same source tree would fetch it twice: the first one lays it down. One more
 * than there are workers is added ahead, so that no worker waits for a kernel. */
static bool may_add(const struct run *run, size_t kernel)
{
	bool full = needs_preparing(run, kernel), laid = false, being_laid = false;

	if (run->o->discard && open_kernels(run) > run->o->jobs)
		return false;
	for (size_t k = 0; full && k < run->plan->kernels_n; k++) {
		if (!shares_source(run, kernel, k))
			continue;
		laid = laid || (run->kernels[k].laid && run->kernels[k].state == KERNEL_READY);
		being_laid = being_laid ||
			     (run->kernels[k].laid && run->kernels[k].state == KERNEL_ADDING);
	}
	return laid || !being_laid;
}

/* Its source tree goes with the last kernel that shares it: not while one is yet to be added. What
 * nothing is asked of (--only) stays. */
static bool may_discard(const struct run *run, size_t kernel)
{
	const struct kernel_work *w = &run->kernels[kernel];

	if (!run->o->discard || !w->ours || w->running > 0 || !has_jobs(run, kernel) ||
	    has_jobs_left(run, kernel) ||
	    (w->state != KERNEL_READY && w->state != KERNEL_NEW && w->state != KERNEL_FAILED))
		return false;
	for (size_t k = 0; k < run->plan->kernels_n; k++)
		if (shares_source(run, kernel, k) && has_jobs_left(run, k) &&
		    (run->kernels[k].state == KERNEL_NEW || run->kernels[k].state == KERNEL_ADDING))
			return false;
	return true;
}

static bool find_trial(const struct run *run, size_t kernel, struct task *ret)
{
	for (size_t i = 0; i < run->plan->jobs_n; i++) {
		const struct matrix_job *job = &run->plan->jobs[i];

		if (job->kernel == kernel && job->state == JOB_WAITS && job->key[0] &&
		    !run->trying[i]) {
			*ret = (struct task){ TASK_TRIAL, i };
			return true;
		}
	}
	return false;
}

static bool find_build(const struct run *run, size_t kernel, struct task *ret)
{
	for (size_t p = 0; p < run->plan->file->patches_n; p++) {
		size_t i = kernel * run->plan->file->patches_n + p;

		if (run->plan->modules[i].wanted && !run->building[i] &&
		    run->plan->modules[i].state == MODULE_UNKNOWN) {
			*ret = (struct task){ TASK_BUILD, i };
			return true;
		}
	}
	return false;
}

/* What to do next: kernel by kernel, and with each what brings it nearer to its end. */
static bool find_task(const struct run *run, struct task *ret)
{
	for (size_t k = 0; k < run->plan->kernels_n; k++)
		if (may_discard(run, k)) {
			*ret = (struct task){ TASK_DISCARD, k };
			return true;
		}
	for (size_t k = 0; k < run->plan->kernels_n; k++) {
		if (run->kernels[k].state == KERNEL_READY &&
		    (find_build(run, k, ret) || find_trial(run, k, ret)))
			return true;
		if (run->kernels[k].state == KERNEL_NEW && has_jobs_left(run, k) &&
		    may_add(run, k)) {
			*ret = (struct task){ TASK_ADD, k };
			return true;
		}
	}
	return false;
}

/* "outputs/TASK.txt": what suture-build printed. */
static char *output_path(const struct run *run, const struct task *t)
{
	char name[MATRIX_JOB_NAME], file[MATRIX_JOB_NAME + 32];

	task_name(run, t, name);
	snprintf(file, sizeof(file), "%s-%s.txt", kind_name(t->kind), name);
	for (char *p = file; *p; p++)
		*p = *p == '/' ? '-' : *p;
	return path_join(matrix_store_dir(run->store), "outputs", file, NULL);
}

static int start_program(struct run *run, struct task *t, const char *const *argv, const char *says,
			 int timeout_ms, struct error *err)
{
	_cleanup_free_ char *output = output_path(run, t);
	struct matrix_program program = { .argv = argv, .says = says, .output = output };

	if (!output)
		return error_set(err, ERR_NO_MEMORY, "outputs");
	return worker_start(run->pool, matrix_task_program, &program, t, run->runtime, timeout_ms,
			    err);
}

/* Compilers for one command: what the other workers leave. */
static void share_of_processors(const struct run *run, char ret[static 24])
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	snprintf(ret, 24, "%ld", MAX(n / (long)run->o->jobs, 1L));
}

static int start_add(struct run *run, struct task *t, struct error *err)
{
	char jobs[24];
	bool full = needs_preparing(run, t->place);
	const char *argv[] = { run->o->plan.builder,
			       "kernel",
			       "add",
			       run->plan->kernels[t->place].release,
			       "--jobs",
			       jobs,
			       full ? NULL : "--image-only",
			       NULL };
	int r = 0;

	share_of_processors(run, jobs);
	if (!run->plan->kernels[t->place].cached) {
		run->kernels[t->place].ours = true;
		r = set_marker(run, t->place, err);
	}
	run->kernels[t->place].state = KERNEL_ADDING;
	run->kernels[t->place].laid = full;
	return r < 0 ? r : start_program(run, t, argv, "fetching and preparing", ADD_MS, err);
}

static int start_discard(struct run *run, struct task *t, struct error *err)
{
	const char *argv[] = { run->o->plan.builder, "kernel", "remove",
			       run->plan->kernels[t->place].release, NULL };

	run->kernels[t->place].state = KERNEL_GONE;
	return start_program(run, t, argv, "taking it out of the cache", REMOVE_MS, err);
}

static int start_build(struct run *run, struct task *t, struct error *err)
{
	const struct matrix_module *m = &run->plan->modules[t->place];
	const struct matrix_patch *p = &run->plan->file->patches[m->patch];
	_cleanup_free_ char *module = matrix_module_path(run->plan, run->store, m, ".ko");
	_cleanup_free_ char *record = matrix_module_path(run->plan, run->store, m, ".record.json");
	char jobs[24];
	const char *argv[ARGS_MAX] = {
		run->o->plan.builder, "patch",    "--kernel", run->plan->kernels[m->kernel].release,
		"--version",          p->version, "-o",       module,
		"--record",           record,     "--jobs",   jobs
	};
	size_t n = 12;

	if (!module || !record)
		return error_set(err, ERR_NO_MEMORY, "a module's path");
	share_of_processors(run, jobs);
	argv[n++] = "--";
	for (size_t i = 0; i < p->sources.n; i++)
		argv[n++] = p->sources.items[i];
	run->building[t->place] = true;
	return start_program(run, t, argv, "building", BUILD_MS, err);
}

static int start_trial(struct run *run, struct task *t, struct error *err)
{
	struct matrix_trial_task trial = { run->plan, run->store, &run->plan->jobs[t->place] };

	run->trying[t->place] = true;
	return worker_start(run->pool, matrix_task_trial, &trial, t, run->runtime,
			    run->plan->file->limit_ms, err);
}

static int start(struct run *run, struct task found, struct error *err)
{
	struct task *t = run->tasks;
	char name[MATRIX_JOB_NAME];
	int r = 0;

	while (t->kind != TASK_NONE)
		t++;
	*t = found;
	task_name(run, t, name);
	write_log(run, kind_name(t->kind), name, "begins", -1, 0);
	run->kernels[kernel_of(run, t)].running++;
	switch (t->kind) {
	case TASK_ADD: r = start_add(run, t, err); break;
	case TASK_BUILD: r = start_build(run, t, err); break;
	case TASK_TRIAL: r = start_trial(run, t, err); break;
	case TASK_DISCARD: r = start_discard(run, t, err); break;
	case TASK_NONE: break;
	}
	return r;
}

/* Jobs whose modules are known by now: those that can be held get their key, others their end. */
static int settle_jobs(struct run *run, size_t kernel, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->plan->jobs_n; i++) {
		struct matrix_job *job = &run->plan->jobs[i];

		if (job->kernel != kernel || job->state != JOB_WAITS || job->key[0] ||
		    !matrix_job_is_ready(run->plan, job))
			continue;
		r = matrix_job_settle(run->plan, run->store, &run->o->plan, job, err);
		if (r == 0 && job->state != JOB_WAITS)
			settle_job(run, job, job->state);
	}
	return r;
}

static void fail_kernel(struct run *run, size_t kernel, const char *why)
{
	run->kernels[kernel].state = KERNEL_FAILED;
	snprintf(run->kernels[kernel].reason, sizeof(run->kernels[kernel].reason), "%s", why);
	for (size_t i = 0; i < run->plan->jobs_n; i++) {
		struct matrix_job *job = &run->plan->jobs[i];

		if (job->kernel != kernel || job->state != JOB_WAITS)
			continue;
		snprintf(job->reason, sizeof(job->reason), "kernel: %.900s", why);
		settle_job(run, job, JOB_BROKEN);
	}
}

/* The exit status and error of a program, however its worker ended; status -1: it did not end. */
static int program_end(const struct worker_end *end, char message[static ERROR_MESSAGE_MAX])
{
	struct error err = { 0 };
	int status = -1;

	if (end->how != WORKER_ANSWERED)
		snprintf(message, ERROR_MESSAGE_MAX, "%s", end->message);
	else if (matrix_task_program_end(end->answer, &status, message, ERROR_MESSAGE_MAX, &err) <
		 0)
		snprintf(message, ERROR_MESSAGE_MAX, "%s", err.message);
	if (status > 0 && !message[0])
		snprintf(message, ERROR_MESSAGE_MAX, "suture-build ended with status %d", status);
	return status;
}

/* A module that is given needs no building: with the kernel all is known. */
static int take_given(struct run *run, size_t kernel, struct error *err)
{
	int r = 0;

	for (size_t p = 0; r == 0 && p < run->plan->file->patches_n; p++) {
		struct matrix_module *m = matrix_plan_module(run->plan, p, kernel);
		const char *path = run->plan->file->patches[p].module;

		if (!path || !m->wanted || m->state != MODULE_UNKNOWN)
			continue;
		memcpy(m->build.build_id, run->plan->kernels[kernel].build_id,
		       sizeof(m->build.build_id));
		r = hash_sha256_file(path, m->build.module_sha256, err);
		if (r == 0)
			r = matrix_store_put_build(run->store, &m->build, err);
		if (r == 0)
			m->state = MODULE_BUILT;
	}
	return r;
}

static int end_add(struct run *run, size_t kernel, const struct worker_end *end, struct error *err)
{
	struct matrix_kernel *k = &run->plan->kernels[kernel];
	_cleanup_kernel_ struct kernel *cached = NULL;
	char message[ERROR_MESSAGE_MAX] = "";
	struct error problem = { 0 };
	int status = program_end(end, message);

	if (status == 0 && kernel_open(k->release, &cached, &problem) < 0) {
		status = -1;
		snprintf(message, sizeof(message), "%s", problem.message);
	} else if (status == 0 && k->build_id[0] && !streq(k->build_id, cached->build_id)) {
		status = -1;
		snprintf(message, sizeof(message),
			 "is another build than the memory knows (--again)");
	}
	if (status != 0) {
		fail_kernel(run, kernel, message);
		/* What somebody adds later is theirs. */
		if (run->kernels[kernel].ours && !is_cached(run, kernel))
			clear_marker(run, kernel);
		return 0;
	}
	snprintf(k->build_id, sizeof(k->build_id), "%s", cached->build_id);
	run->kernels[kernel].state = KERNEL_READY;

	int r = take_given(run, kernel, err);

	return r < 0 ? r : settle_jobs(run, kernel, err);
}

static int end_build(struct run *run, struct matrix_module *m, const struct worker_end *end,
		     struct error *err)
{
	_cleanup_free_ char *path = matrix_module_path(run->plan, run->store, m, ".ko");
	struct error problem = { 0 };
	int status = program_end(end, m->build.reason), r = 0;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "a module's path");
	m->build.status = status;
	m->build.ms = end->ms;
	m->build.cpu_ms = end->cpu_ms;
	memcpy(m->build.build_id, run->plan->kernels[m->kernel].build_id,
	       sizeof(m->build.build_id));
	if (status == 0) {
		m->build.reason[0] = '\0';
		r = hash_sha256_file(path, m->build.module_sha256, &problem);
	}
	if (r < 0)
		snprintf(m->build.reason, sizeof(m->build.reason), "%s", problem.message);
	m->state = r < 0 || (status != 0 && (status < 3 || status > 5)) ? MODULE_FAILED
		   : status == 0                                        ? MODULE_BUILT
									: MODULE_REFUSED;
	if (m->state != MODULE_FAILED)
		r = matrix_store_put_build(run->store, &m->build, err);
	else
		r = 0;
	return r < 0 ? r : settle_jobs(run, m->kernel, err);
}

static int end_trial(struct run *run, struct matrix_job *job, const struct worker_end *end,
		     struct error *err)
{
	_cleanup_free_ struct matrix_result *result = calloc(1, sizeof(*result));
	struct error problem = { 0 };
	int r = 0;

	if (!result)
		return error_set(err, ERR_NO_MEMORY, "result");
	if (end->how != WORKER_ANSWERED)
		r = error_set(&problem, ERR_CHILD, "%s", end->message);
	else
		r = worker_take_trial(end->answer, &result->trial, &problem);
	if (r < 0) {
		snprintf(job->reason, sizeof(job->reason), "%s", problem.message);
		settle_job(run, job, JOB_BROKEN);
		return 0;
	}
	memcpy(result->key, job->key, sizeof(result->key));
	result->cpu_ms = end->cpu_ms;
	/* The logs first: without its result, a trial is held again. */
	r = matrix_task_keep_logs(&(struct matrix_trial_task){ run->plan, run->store, job }, err);
	if (r == 0)
		r = matrix_store_put_result(run->store, result, err);
	if (r < 0)
		return r;
	run->figures->held++;
	job->result = TAKE_PTR(result);
	settle_job(run, job, trial_passed(&job->result->trial) ? JOB_PASSED : JOB_FAILED);
	return 0;
}

/* As long as the kernel is there, it is ours to take out: the next run tries again. */
static void end_discard(struct run *run, size_t kernel, const struct worker_end *end)
{
	char message[ERROR_MESSAGE_MAX] = "";

	if (program_end(end, message) == 0 || !is_cached(run, kernel))
		clear_marker(run, kernel);
}

static void add_times(struct run *run, const struct task *t, const struct worker_end *end)
{
	static const int kinds[] = { [TASK_ADD] = TIME_ADD,
				     [TASK_BUILD] = TIME_BUILD,
				     [TASK_TRIAL] = TIME_TRIAL,
				     [TASK_DISCARD] = TIME_ADD };
	struct matrix_times *times = &run->figures->kernels[kernel_of(run, t)];

	times->ms[kinds[t->kind]] += end->ms;
	times->cpu_ms[kinds[t->kind]] += end->cpu_ms;
}

static int end_task(struct run *run, const struct worker_end *end, struct error *err)
{
	struct task *t = end->tag;
	char name[MATRIX_JOB_NAME];
	int r = 0;

	task_name(run, t, name);
	write_log(run, kind_name(t->kind), name,
		  end->how == WORKER_ANSWERED ? "ended" : end->message, end->ms, end->cpu_ms);
	run->kernels[kernel_of(run, t)].running--;
	add_times(run, t, end);
	switch (t->kind) {
	case TASK_ADD: r = end_add(run, t->place, end, err); break;
	case TASK_BUILD: r = end_build(run, &run->plan->modules[t->place], end, err); break;
	case TASK_TRIAL: r = end_trial(run, &run->plan->jobs[t->place], end, err); break;
	case TASK_DISCARD: end_discard(run, t->place, end); break;
	case TASK_NONE: break;
	}
	t->kind = TASK_NONE;
	return r;
}

static int work(struct run *run, struct error *err)
{
	for (;;) {
		struct worker_end end;
		struct task task;
		int r = 0;

		while (r == 0 && worker_count(run->pool) < run->o->jobs && find_task(run, &task))
			r = start(run, task, err);
		if (r < 0 || worker_count(run->pool) == 0)
			return r;
		r = worker_wait(run->pool, &end, err);
		if (r == 0) {
			r = end_task(run, &end, err);
			json_decref(end.answer);
		}
		if (r < 0)
			return r;
	}
}

/* The file in the folder of the guests that says whose it is: the memory's own path. */
static char *owner_path(const char *folder)
{
	return path_join(folder, "matrix", NULL);
}

/* A run that was killed leaves the folder of its guests; where it is stands in the memory. Whatever
 * is written there, only a folder goes that a run with this memory made, and that says so. */
static void remove_leftover(const struct run *run, const char *note)
{
	_cleanup_free_ char *path = NULL, *owner = NULL, *said = NULL;
	const char *own = matrix_store_dir(run->store);
	struct stat st;

	if (file_read_line(note, &path, NULL) < 0 || path[0] != '/' ||
	    !path_is_safe_relative(path + 1) || !str_has_prefix(path_base(path), "suture-lab-") ||
	    lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077))
		return;
	owner = owner_path(path);
	if (owner && lstat(owner, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    file_read_line(owner, &said, NULL) == 0 && streq(said, own))
		(void)file_remove_tree(path, NULL);
}

static int claim_runtime(struct run *run, struct error *err)
{
	const char *own = matrix_store_dir(run->store);
	_cleanup_free_ char *owner = owner_path(run->runtime);

	if (!owner)
		return error_set(err, ERR_NO_MEMORY, "runtime");
	return file_write_atomic(owner, own, strlen(own), 0600, err);
}

static int make_runtime(struct run *run, struct error *err)
{
	_cleanup_free_ char *note = path_join(matrix_store_dir(run->store), "runtime", NULL);

	if (!note)
		return error_set(err, ERR_NO_MEMORY, "runtime");
	remove_leftover(run, note);

	int r = work_folder_make(&run->runtime, err);

	if (r == 0)
		r = claim_runtime(run, err);
	return r < 0 ? r : file_write_atomic(note, run->runtime, strlen(run->runtime), 0644, err);
}

static int begin(struct run *run, struct error *err)
{
	const struct matrix_plan *plan = run->plan;

	run->kernels = calloc(plan->kernels_n + 1, sizeof(*run->kernels));
	run->building = calloc(plan->kernels_n * plan->file->patches_n + 1, sizeof(bool));
	run->trying = calloc(plan->jobs_n + 1, sizeof(bool));
	run->figures->kernels = calloc(plan->kernels_n + 1, sizeof(*run->figures->kernels));
	if (!run->kernels || !run->building || !run->trying || !run->figures->kernels)
		return error_set(err, ERR_NO_MEMORY, "matrix");
	for (size_t k = 0; k < plan->kernels_n; k++) {
		_cleanup_free_ char *path = marker(run, k);

		run->kernels[k].ours = plan->kernels[k].cached && path && file_exists(path);
		/* It was taken out by hand: if somebody puts it back, it is theirs. */
		if (!plan->kernels[k].cached)
			clear_marker(run, k);
	}
	for (size_t i = 0; i < plan->jobs_n; i++)
		run->done += plan->jobs[i].state != JOB_WAITS;

	int r = make_runtime(run, err);

	return r < 0 ? r : worker_pool_new(said, run, &run->pool, err);
}

int matrix_run(struct matrix_plan *plan, struct matrix_store *store,
	       const struct matrix_run_options *options, struct matrix_figures *ret,
	       int *ret_signal, struct error *err)
{
	struct run run = { .plan = plan, .store = store, .o = options, .figures = ret };
	int64_t start = clock_monotonic_ms();

	*ret = (struct matrix_figures){ 0 };
	*ret_signal = 0;

	int r = begin(&run, err);

	if (r == 0)
		r = work(&run, err);
	if (run.pool)
		*ret_signal = worker_signal(run.pool);
	worker_pool_free(run.pool);
	work_folder_remove(run.runtime);
	free(run.kernels);
	free(run.building);
	free(run.trying);
	ret->ms = clock_monotonic_ms() - start;
	return r;
}

void matrix_figures_free(struct matrix_figures *figures)
{
	free(figures->kernels);
	*figures = (struct matrix_figures){ 0 };
}
