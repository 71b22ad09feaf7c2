// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_report.h"

#include "base/clock.h"
#include "lab/trial/trial_json.h"

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static size_t count_jobs(const struct matrix_plan *plan, enum matrix_job_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->jobs_n; i++)
		n += plan->jobs[i].state == state;
	return n;
}

/* Those that a job is for. */
static size_t count_kernels(const struct matrix_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->jobs_n; i++)
		n += i == 0 || plan->jobs[i].kernel != plan->jobs[i - 1].kernel;
	return n;
}

bool matrix_plan_passed(const struct matrix_plan *plan)
{
	return count_jobs(plan, JOB_PASSED) == plan->jobs_n;
}

static void print_reasons(FILE *out, const struct matrix_job *job)
{
	if (job->reason[0])
		fprintf(out, "\t%s\n", job->reason);
	for (size_t i = 0; job->result && i < job->result->trial.n; i++) {
		const struct trial_case *c = &job->result->trial.cases[i];

		if (c->run.verdict == VERDICT_FAIL)
			fprintf(out, "\t%s: %s: %s\n", c->name, trial_cause_name(c->run.cause),
				c->run.message);
	}
}

void matrix_report_times(FILE *out, const struct matrix_plan *plan,
			 const struct matrix_figures *figures)
{
	fprintf(out, "\n%-34s %8s %8s %8s %10s\n", "KERNEL, SECONDS", "ADD", "BUILD", "TRIALS",
		"PROCESSOR");
	for (size_t k = 0; k < plan->kernels_n; k++) {
		const struct matrix_times *t = &figures->kernels[k];
		int64_t cpu = 0;

		for (size_t i = 0; i < TIME_KINDS; i++)
			cpu += t->cpu_ms[i];
		if (cpu > 0)
			fprintf(out, "%-34s %8.1f %8.1f %8.1f %10.1f\n", plan->kernels[k].release,
				seconds(t->ms[TIME_ADD]), seconds(t->ms[TIME_BUILD]),
				seconds(t->ms[TIME_TRIAL]), seconds(cpu));
	}
}

static const char *ending(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_sums(FILE *out, const struct matrix_plan *plan)
{
	size_t passed = matrix_plan_cases(plan, VERDICT_PASS),
	       failed = matrix_plan_cases(plan, VERDICT_FAIL),
	       skipped = matrix_plan_cases(plan, VERDICT_SKIP), kernels = count_kernels(plan),
	       waiting = count_jobs(plan, JOB_WAITS), combinations = passed + failed + skipped;

	fprintf(out, "\n%zu kernel%s, %zu job%s: %zu passed, %zu failed, %zu not built, %zu broken",
		kernels, ending(kernels), plan->jobs_n, ending(plan->jobs_n),
		count_jobs(plan, JOB_PASSED), count_jobs(plan, JOB_FAILED),
		count_jobs(plan, JOB_NOT_BUILT), count_jobs(plan, JOB_BROKEN));
	if (waiting > 0)
		fprintf(out, ", %zu waiting", waiting);
	fprintf(out,
		"\n%zu combination%s of patch, kernel, machine and case held: %zu passed, %zu "
		"failed, %zu skipped\n",
		combinations, ending(combinations), passed, failed, skipped);
}

void matrix_report_print(FILE *out, const struct matrix_plan *plan)
{
	fprintf(out, "%-72s %-10s %8s\n", "PATCH/KERNEL/MACHINE", "RESULT", "SECONDS");
	for (size_t i = 0; i < plan->jobs_n; i++) {
		const struct matrix_job *job = &plan->jobs[i];
		char name[MATRIX_JOB_NAME];

		matrix_job_name(plan, job, name);
		fprintf(out, "%-72s %-10s", name, matrix_job_state_name(job->state));
		if (job->result)
			fprintf(out, " %8.1f", seconds(job->result->trial.ms));
		fprintf(out, "%s\n", job->remembered ? " (remembered)" : "");
		print_reasons(out, job);
	}
	print_sums(out, plan);
}

static enum report_state report_state_of(const struct matrix_job *job)
{
	if (job->result)
		return job->remembered ? REPORT_REMEMBERED : REPORT_HELD;
	return job->state == JOB_NOT_BUILT ? REPORT_NOT_BUILT : REPORT_NOT_HELD;
}

static int add_job(const struct matrix_plan *plan, const struct matrix_job *job,
		   struct report *report, struct error *err)
{
	char name[MATRIX_JOB_NAME], logs[MATRIX_JOB_NAME + 8];
	struct report_job j = { .patch = plan->file->patches[job->patch].name,
				.kernel = plan->kernels[job->kernel].release,
				.machine = plan->file->machines[job->machine].name,
				.state = report_state_of(job),
				.reason = job->reason[0] ? (char *)job->reason : NULL };

	if (job->result) {
		matrix_job_name(plan, job, name);
		snprintf(logs, sizeof(logs), "logs/%s", name);
		j.logs = logs;
		j.trial = malloc(sizeof(*j.trial));
		if (!j.trial)
			return error_set(err, ERR_NO_MEMORY, "report");
		*j.trial = job->result->trial;
	}
	return report_add(report, &j, err);
}

int matrix_report_fill(const struct matrix_plan *plan, const struct matrix_figures *figures,
		       struct report *report, struct error *err)
{
	int r = 0;

	report->ms = figures->ms;
	for (size_t i = 0; r == 0 && i < plan->jobs_n; i++)
		r = add_job(plan, &plan->jobs[i], report, err);
	return r;
}

static json_t *kernel_json(const struct matrix_plan *plan, const struct matrix_figures *figures,
			   size_t place)
{
	static const struct matrix_times none;
	const struct matrix_kernel *k = &plan->kernels[place];
	const struct matrix_times *t = figures ? &figures->kernels[place] : &none;
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_set_str(o, "kernel", k->release) < 0 ||
	    json_set_str(o, "version", k->version) < 0 ||
	    json_set_str(o, "build_id", k->build_id[0] ? k->build_id : NULL) < 0 ||
	    json_object_set_new(o, "seconds",
				json_pack("{s:f, s:f, s:f}", "add", seconds(t->ms[TIME_ADD]),
					  "build", seconds(t->ms[TIME_BUILD]), "trials",
					  seconds(t->ms[TIME_TRIAL]))) < 0 ||
	    json_object_set_new(o, "processor_seconds",
				json_pack("{s:f, s:f, s:f}", "add", seconds(t->cpu_ms[TIME_ADD]),
					  "build", seconds(t->cpu_ms[TIME_BUILD]), "trials",
					  seconds(t->cpu_ms[TIME_TRIAL]))) < 0)
		return NULL;
	return TAKE_PTR(o);
}

static const char *state_word(enum matrix_job_state state)
{
	static const char *const words[] = { "not-run", "pass", "fail", "not-built", "broken" };

	return words[state];
}

static json_t *job_json(const struct matrix_plan *plan, const struct matrix_job *job)
{
	const struct matrix_module *m = matrix_plan_module(plan, job->patch, job->kernel);
	_cleanup_json_ json_t *o = json_object(), *trial = NULL;
	const char *hash = m->build.module_sha256;

	if (job->result && trial_to_json(&job->result->trial, &trial, NULL) < 0)
		return NULL;
	if (!o || json_set_str(o, "patch", plan->file->patches[job->patch].name) < 0 ||
	    json_set_str(o, "version", plan->file->patches[job->patch].version) < 0 ||
	    json_set_str(o, "kernel", plan->kernels[job->kernel].release) < 0 ||
	    json_set_str(o, "machine", plan->file->machines[job->machine].name) < 0 ||
	    json_set_str(o, "result", state_word(job->state)) < 0 ||
	    json_object_set_new(o, "remembered", json_boolean(job->remembered)) < 0 ||
	    json_set_str(o, "reason", job->reason[0] ? job->reason : NULL) < 0 ||
	    json_set_str(o, "module_sha256", hash[0] ? hash : NULL) < 0 ||
	    json_object_set(o, "trial", trial ? trial : json_null()) < 0)
		return NULL;
	return TAKE_PTR(o);
}

static json_t *sums_json(const struct matrix_plan *plan, const struct matrix_figures *figures)
{
	size_t passed = matrix_plan_cases(plan, VERDICT_PASS),
	       failed = matrix_plan_cases(plan, VERDICT_FAIL),
	       skipped = matrix_plan_cases(plan, VERDICT_SKIP);
	size_t cases = passed + failed + skipped, held = figures ? figures->held : 0;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f}", "combinations", (json_int_t)cases,
			 "passed", (json_int_t)passed, "failed", (json_int_t)failed, "skipped",
			 (json_int_t)skipped, "held", (json_int_t)held, "seconds",
			 figures ? seconds(figures->ms) : 0.0);
}

int matrix_report_json(const struct matrix_plan *plan, const struct matrix_figures *figures,
		       json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *o = json_object(), *kernels = json_array(), *jobs = json_array();
	char now[CLOCK_TEXT_MAX];
	bool whole = o && kernels && jobs;

	clock_format(clock_now(), now);
	for (size_t k = 0; whole && k < plan->kernels_n; k++)
		whole = json_array_append_new(kernels, kernel_json(plan, figures, k)) == 0;
	for (size_t i = 0; whole && i < plan->jobs_n; i++)
		whole = json_array_append_new(jobs, job_json(plan, &plan->jobs[i])) == 0;
	if (!whole || json_object_set_new(o, "format", json_integer(1)) < 0 ||
	    json_set_str(o, "tool", "suture-lab " SUTURE_VERSION) < 0 ||
	    json_set_str(o, "time", now) < 0 ||
	    json_set_str(o, "result", matrix_plan_passed(plan) ? "pass" : "fail") < 0 ||
	    json_object_set_new(o, "sums", sums_json(plan, figures)) < 0 ||
	    json_object_set(o, "kernels", kernels) < 0 || json_object_set(o, "jobs", jobs) < 0)
		return error_set(err, ERR_NO_MEMORY, "matrix");
	*ret = TAKE_PTR(o);
	return 0;
}
