// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_plan.h"

#include <fnmatch.h>
#include <stdio.h>

#include "base/file.h"
#include "base/process.h"
#include "lab/guest/qemu.h"
#include "lab/guest/secure_boot.h"
#include "package/deb_version.h"
#include "package/kernel_cache.h"

#define KEY_TEXT_MAX (256 * 1024)

extern const char lab_code[]; /* made by tools/code-id */

void matrix_plan_free(struct matrix_plan *plan)
{
	for (size_t i = 0; i < plan->jobs_n; i++)
		free(plan->jobs[i].result);
	free(plan->kernels);
	free(plan->modules);
	free(plan->jobs);
	*plan = (struct matrix_plan){ 0 };
}

struct matrix_module *matrix_plan_module(const struct matrix_plan *plan, size_t patch,
					 size_t kernel)
{
	return &plan->modules[kernel * plan->file->patches_n + patch];
}

const char *matrix_job_state_name(enum matrix_job_state state)
{
	static const char *const names[] = { "waits", "pass", "FAIL", "not built", "broken" };

	return names[state];
}

void matrix_job_name(const struct matrix_plan *plan, const struct matrix_job *job,
		     char ret[static MATRIX_JOB_NAME])
{
	snprintf(ret, MATRIX_JOB_NAME, "%s/%s/%s", plan->file->patches[job->patch].name,
		 plan->kernels[job->kernel].release, plan->file->machines[job->machine].name);
}

char *matrix_module_path(const struct matrix_plan *plan, const struct matrix_store *store,
			 const struct matrix_module *module, const char *suffix)
{
	const char *given = plan->file->patches[module->patch].module;

	return given ? strdup(given)
		     : matrix_store_path(store, "modules", module->build.key, suffix);
}

size_t matrix_plan_cases(const struct matrix_plan *plan, enum trial_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->jobs_n; i++) {
		const struct matrix_result *result = plan->jobs[i].result;

		for (size_t k = 0; result && k < result->trial.n; k++)
			n += result->trial.cases[k].run.verdict == verdict;
	}
	return n;
}

/* Appends "NAME HASH" of a file, or "NAME -". */
static int add_file(struct buf *text, const char *name, const char *path, struct error *err)
{
	char hash[MATRIX_KEY_MAX] = "-";
	int r = path ? hash_sha256_file(path, hash, err) : 0;

	return r < 0 ? r : buf_printf(text, "%s %s\n", name, hash);
}

static int finish_key(const struct buf *text, char ret[static MATRIX_KEY_MAX], struct error *err)
{
	int r = hash_sha256_hex(text->data, text->len, ret);

	return r < 0 ? error_set(err, r, "a key") : 0;
}

/* The builder's hash is that of the program: another program may build otherwise. What a module
 * that is given needs is only to know the kernel's build ID. */
static int module_key(const struct matrix_plan *plan, const char *builder_hash,
		      struct matrix_module *m, struct error *err)
{
	const struct matrix_patch *p = &plan->file->patches[m->patch];
	const struct matrix_kernel *k = &plan->kernels[m->kernel];
	_cleanup_buf_ struct buf text = BUF_INIT(KEY_TEXT_MAX);
	int r = buf_printf(&text, "suture-lab module 1\nkernel %s\npackages %s\n", k->release,
			   k->version[0] ? k->version : k->build_id);

	if (r == 0 && !p->module)
		r = buf_printf(&text, "builder %s\nversion %s\n", builder_hash, p->version);
	for (size_t i = 0; r == 0 && i < p->sources.n; i++)
		r = add_file(&text, "source", p->sources.items[i], err);
	if (r == 0 && p->module)
		r = add_file(&text, "module", p->module, err);
	if (r < 0)
		return r;
	return finish_key(&text, m->build.key, err);
}

static int add_words(struct buf *text, const char *name, const struct name_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = buf_printf(text, "%s %s\n", name, list->items[i]);
	return r;
}

/* The hash of a file, or "-" if there is none that can be read. */
static void identify(const char *path, char ret[static MATRIX_KEY_MAX])
{
	if (!path || hash_sha256_file(path, ret, NULL) < 0)
		snprintf(ret, MATRIX_KEY_MAX, "-");
}

static void identify_tools(struct matrix_plan *plan)
{
	_cleanup_free_ char *qemu = process_find(QEMU_PROGRAM);
	bool secure_boot = false, automatic = false;

	for (size_t i = 0; i < plan->file->machines_n; i++) {
		secure_boot = secure_boot || plan->file->machines[i].secure_boot;
		automatic = automatic || plan->file->machines[i].accel == GUEST_AUTO;
	}
	identify(qemu, plan->qemu);
	identify(TRIAL_STRESS_NG, plan->stress);
	identify(secure_boot ? SECURE_BOOT_FIRMWARE : NULL, plan->firmware);
	plan->kvm = automatic && qemu_kvm_works();
}

/* What the machine is made of here: the same words mean another machine with another QEMU. */
static int add_tools(struct buf *text, const struct matrix_plan *plan,
		     const struct matrix_machine *m)
{
	return buf_printf(text, "qemu %s\nstress-ng %s\nfirmware %s\nauto %s\n", plan->qemu,
			  plan->stress, m->secure_boot ? plan->firmware : "-",
			  m->accel != GUEST_AUTO ? "-"
			  : plan->kvm            ? "kvm"
						 : "tcg");
}

/* The build record, by which cases judge what is replaced; a given module has none. */
static int add_record(struct buf *text, const struct matrix_store *store,
		      const struct matrix_plan *plan, const struct matrix_module *m,
		      struct error *err)
{
	bool given = plan->file->patches[m->patch].module;
	_cleanup_free_ char *path = matrix_module_path(plan, store, m, ".record.json");

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "record");
	return add_file(text, "record", given || !file_exists(path) ? NULL : path, err);
}

static int job_key(const struct matrix_plan *plan, const struct matrix_store *store,
		   struct matrix_job *job, struct error *err)
{
	const struct matrix_file *f = plan->file;
	const struct matrix_patch *p = &f->patches[job->patch];
	const struct matrix_module *m = matrix_plan_module(plan, job->patch, job->kernel);
	_cleanup_buf_ struct buf text = BUF_INIT(KEY_TEXT_MAX);
	char machine[MATRIX_MACHINE_MAX];

	matrix_machine_describe(&f->machines[job->machine], machine);

	int r = buf_printf(&text,
			   "suture-lab job 2\nlab %s\nkernel %s %s\nmodule %s\nmachine %s\n"
			   "cycles %d\ntimeout %d\n",
			   lab_code, plan->kernels[job->kernel].release, m->build.build_id,
			   m->build.module_sha256, machine, f->cycles, f->timeout_ms);

	if (r == 0)
		r = add_tools(&text, plan, &f->machines[job->machine]);
	if (r == 0)
		r = add_record(&text, store, plan, m, err);
	for (size_t i = 0; r == 0 && i < p->earlier_n; i++)
		r = buf_printf(
			&text, "earlier %s\n",
			matrix_plan_module(plan, p->earlier[i], job->kernel)->build.module_sha256);
	if (r == 0)
		r = add_file(&text, "reproducer", p->reproducer, err);
	if (r == 0)
		r = add_file(&text, "sleeper", p->sleeper, err);
	if (r == 0)
		r = add_words(&text, "load", &p->load);
	if (r == 0)
		r = add_words(&text, "case", &f->cases);
	return r < 0 ? r : finish_key(&text, job->key, err);
}

bool matrix_job_is_ready(const struct matrix_plan *plan, const struct matrix_job *job)
{
	const struct matrix_patch *p = &plan->file->patches[job->patch];
	bool ready = matrix_plan_module(plan, job->patch, job->kernel)->state != MODULE_UNKNOWN;

	for (size_t i = 0; i < p->earlier_n; i++)
		ready = ready && matrix_plan_module(plan, p->earlier[i], job->kernel)->state !=
					 MODULE_UNKNOWN;
	return ready;
}

static void say_note(const struct matrix_plan_options *o, const struct error *err)
{
	if (o->note)
		o->note(o->user, err->message);
}

/* A result that counts is taken; a failed one is held again, since what made it fail may have been
 * this machine's state, and a pass that was remembered wrongly would hide a fault. */
static int recall_job(const struct matrix_store *store, const struct matrix_plan_options *o,
		      struct matrix_job *job, struct error *err)
{
	_cleanup_free_ struct matrix_result *result = calloc(1, sizeof(*result));
	struct error problem = { 0 };

	if (!result)
		return error_set(err, ERR_NO_MEMORY, "result");
	if (o->again)
		return 0;

	int r = matrix_store_get_result(store, job->key, result, &problem);

	if (r < 0 && r != ERR_NOT_FOUND)
		say_note(o, &problem);
	if (r < 0)
		return 0;

	bool passed = trial_passed(&result->trial);

	if (!passed && !o->keep_failures)
		return 0;
	job->state = passed ? JOB_PASSED : JOB_FAILED;
	job->remembered = true;
	job->result = TAKE_PTR(result);
	return 0;
}

/* The first module of a job that is not there, its own one first. An earlier version that the
 * builder refuses was never out: there is nothing to replace. */
static const struct matrix_module *missing_module(const struct matrix_plan *plan,
						  const struct matrix_job *job)
{
	const struct matrix_patch *p = &plan->file->patches[job->patch];
	const struct matrix_module *m = matrix_plan_module(plan, job->patch, job->kernel);

	if (m->state != MODULE_BUILT)
		return m;
	for (size_t i = 0; i < p->earlier_n; i++) {
		m = matrix_plan_module(plan, p->earlier[i], job->kernel);
		if (m->state == MODULE_FAILED)
			return m;
	}
	return NULL;
}

int matrix_job_settle(const struct matrix_plan *plan, const struct matrix_store *store,
		      const struct matrix_plan_options *o, struct matrix_job *job,
		      struct error *err)
{
	const struct matrix_module *missing = missing_module(plan, job);

	if (missing) {
		job->state = missing->state == MODULE_REFUSED ? JOB_NOT_BUILT : JOB_BROKEN;
		job->remembered = missing->remembered;
		snprintf(job->reason, sizeof(job->reason), "%s", missing->build.reason);
		return 0;
	}

	int r = job_key(plan, store, job, err);

	return r < 0 ? r : recall_job(store, o, job, err);
}

static void recall_module(const struct matrix_plan *plan, const struct matrix_store *store,
			  const struct matrix_plan_options *o, struct matrix_module *m)
{
	struct matrix_kernel *k = &plan->kernels[m->kernel];
	struct matrix_build build;
	struct error problem = { 0 };
	bool elsewhere = plan->file->patches[m->patch].module != NULL;

	if (o->again)
		return;

	int r = matrix_store_get_build(store, m->build.key, elsewhere, &build, &problem);

	if (r < 0 && r != ERR_NOT_FOUND)
		say_note(o, &problem);
	/* A kernel of the cache says itself which build it is. */
	if (r < 0 || (k->build_id[0] && build.build_id[0] && !streq(k->build_id, build.build_id)))
		return;
	m->build = build;
	m->state = build.status == 0 ? MODULE_BUILT : MODULE_REFUSED;
	m->remembered = true;
	if (!k->build_id[0])
		memcpy(k->build_id, build.build_id, sizeof(k->build_id));
}

static int recall(struct matrix_plan *plan, const struct matrix_store *store,
		  const struct matrix_plan_options *o, struct error *err)
{
	char builder[MATRIX_KEY_MAX] = "-";
	int r = o->builder ? hash_sha256_file(o->builder, builder, err) : 0;

	for (size_t i = 0; r == 0 && i < plan->kernels_n * plan->file->patches_n; i++) {
		struct matrix_module *m = &plan->modules[i];

		if (!m->wanted)
			continue;
		r = module_key(plan, builder, m, err);
		if (r == 0)
			recall_module(plan, store, o, m);
	}
	for (size_t i = 0; r == 0 && i < plan->jobs_n; i++)
		if (matrix_job_is_ready(plan, &plan->jobs[i]))
			r = matrix_job_settle(plan, store, o, &plan->jobs[i], err);
	return r;
}

static bool is_for(const struct matrix_patch *p, const struct matrix_plan *plan, size_t kernel,
		   const struct apt_kernel *offered)
{
	bool chosen = p->kernels.n == 0;

	for (size_t i = 0; i < p->kernels.n && !chosen; i++) {
		bool among[APT_OFFERED_MAX] = { false };
		struct kernel_pattern pattern;

		if (kernel_pattern_parse(p->kernels.items[i], &pattern, NULL) < 0)
			continue;
		kernel_pattern_choose(&pattern, offered, MIN(plan->kernels_n, APT_OFFERED_MAX),
				      among);
		chosen = kernel < APT_OFFERED_MAX && among[kernel];
	}
	return chosen;
}

static bool is_asked_for(const struct matrix_plan *plan, const struct matrix_plan_options *o,
			 const struct matrix_job *job)
{
	char name[MATRIX_JOB_NAME];
	bool fits = !o->only || !o->only[0];

	matrix_job_name(plan, job, name);
	for (size_t i = 0; !fits && o->only[i]; i++)
		fits = fnmatch(o->only[i], name, 0) == 0;
	return fits;
}

static void want_modules(struct matrix_plan *plan, size_t patch, size_t kernel)
{
	const struct matrix_patch *p = &plan->file->patches[patch];

	matrix_plan_module(plan, patch, kernel)->wanted = true;
	for (size_t i = 0; i < p->earlier_n; i++)
		matrix_plan_module(plan, p->earlier[i], kernel)->wanted = true;
}

static void add_jobs(struct matrix_plan *plan, const struct matrix_plan_options *o, size_t kernel,
		     const struct apt_kernel *offered)
{
	const struct matrix_file *f = plan->file;

	for (size_t p = 0; p < f->patches_n; p++) {
		*matrix_plan_module(plan, p, kernel) =
			(struct matrix_module){ .patch = p, .kernel = kernel };
	}
	for (size_t p = 0; p < f->patches_n; p++) {
		if (!f->patches[p].tried || !is_for(&f->patches[p], plan, kernel, offered))
			continue;
		for (size_t m = 0; m < f->machines_n; m++) {
			struct matrix_job *job = &plan->jobs[plan->jobs_n];

			*job = (struct matrix_job){ .patch = p, .kernel = kernel, .machine = m };
			if (!is_asked_for(plan, o, job))
				continue;
			want_modules(plan, p, kernel);
			plan->jobs_n++;
		}
	}
}

/* Patterns that limit a patch choose among the plan's kernels, newest first as they expect it. */
static struct apt_kernel *as_offered(const struct matrix_plan *plan)
{
	struct apt_kernel *list = calloc(plan->kernels_n + 1, sizeof(*list));

	for (size_t i = 0; list && i < plan->kernels_n; i++)
		memcpy(list[i].release, plan->kernels[i].release, sizeof(plan->kernels[i].release));
	return list;
}

int matrix_plan_fill(const struct matrix_file *file, const struct matrix_store *store,
		     const struct matrix_plan_options *o, struct matrix_kernel *kernels, size_t n,
		     struct matrix_plan *ret, struct error *err)
{
	_cleanup_matrix_plan_ struct matrix_plan plan = { .file = file,
							  .kernels = kernels,
							  .kernels_n = n };
	_cleanup_free_ struct apt_kernel *offered = as_offered(&plan);
	size_t jobs = n * file->patches_n * file->machines_n;

	if (jobs > MATRIX_JOBS_MAX)
		return error_set(err, ERR_TOO_LARGE, "%zu combinations, at most %d are allowed",
				 jobs, MATRIX_JOBS_MAX);
	plan.modules = calloc(n * file->patches_n + 1, sizeof(*plan.modules));
	plan.jobs = calloc(jobs + 1, sizeof(*plan.jobs));
	if (!plan.modules || !plan.jobs || !offered)
		return error_set(err, ERR_NO_MEMORY, "plan");
	for (size_t k = 0; k < n; k++)
		add_jobs(&plan, o, k, offered);
	if (plan.jobs_n == 0)
		return error_set(err, ERR_NOT_FOUND, "no combination is asked for");

	identify_tools(&plan);

	int r = recall(&plan, store, o, err);

	if (r < 0)
		return r;
	*ret = plan;
	plan = (struct matrix_plan){ 0 };
	return 0;
}
