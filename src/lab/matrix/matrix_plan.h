/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a matrix file comes to: kernels, the modules to be built for them, and the combinations
 * (jobs) of patch, kernel and machine, with what is remembered of each.
 *
 * The key of a module is a hash over all that it is made of: builder, kernel, version, sources. The
 * key of a job is one over all that its result depends on: the lab's own code, kernel build,
 * module and build record, earlier modules, machine, QEMU, firmware, stress-ng, scripts, cases. So
 * what did not change is not done again, and what did change is.
 */
#pragma once

#include "lab/matrix/matrix_file.h"
#include "lab/matrix/matrix_store.h"
#include "lab/report/report.h"

#define MATRIX_JOBS_MAX REPORT_JOBS_MAX /* what a report can hold */
#define MATRIX_JOB_NAME 256

struct matrix_kernel {
	char release[KERNEL_RELEASE_MAX + 1];
	char version[APT_NAME_MAX]; /* of its packages */
	char source[2 *
		    APT_NAME_MAX]; /* kernels with the same one share a source tree; "" unknown */
	char build_id[65];         /* "" while unknown */
	bool cached;               /* it was in the cache before */
};

enum matrix_module_state {
	MODULE_UNKNOWN,
	MODULE_BUILT,
	MODULE_REFUSED, /* by the builder, for a reason that will hold tomorrow too */
	MODULE_FAILED,  /* it could not be built or fetched this time */
};

/* One patch for one kernel. */
struct matrix_module {
	size_t patch, kernel;
	bool wanted; /* a job tries or replaces it */
	enum matrix_module_state state;
	bool remembered;
	struct matrix_build build; /* key, and once it is not unknown the rest */
};

enum matrix_job_state {
	JOB_WAITS,
	JOB_PASSED,
	JOB_FAILED,
	JOB_NOT_BUILT, /* the builder refused the patch for this kernel */
	JOB_BROKEN,    /* it could not be held: no kernel, no module, or a worker that crashed */
};

struct matrix_job {
	size_t patch, kernel, machine;
	enum matrix_job_state state;
	bool remembered;
	char key[MATRIX_KEY_MAX];       /* "" until its modules are known */
	char reason[ERROR_MESSAGE_MAX]; /* not built or broken: why */
	struct matrix_result *result;   /* passed or failed; else NULL */
};

struct matrix_plan {
	const struct matrix_file *file;
	struct matrix_kernel *kernels; /* those that share a source tree stand together */
	size_t kernels_n;
	struct matrix_module *modules; /* of patch p and kernel k: [k * file->patches_n + p] */
	struct matrix_job *jobs;       /* kernel by kernel */
	size_t jobs_n;
	/* What the guests run in, by hash: QEMU, stress-ng, firmware; "-": not there or not used.
	 */
	char qemu[MATRIX_KEY_MAX], stress[MATRIX_KEY_MAX], firmware[MATRIX_KEY_MAX];
	bool kvm; /* what "auto" comes to */
};

struct matrix_plan_options {
	/* Shell patterns over a job's name; a job must fit one. NULL: all. */
	const char *const *only;
	const char *builder; /* the suture-build program */
	bool again;          /* nothing is remembered */
	bool keep_failures;  /* failed jobs are remembered too */
	/* What was damaged in the memory; may be NULL. */
	void (*note)(void *user, const char *text);
	void *user;
};

/*
 * Asks apt which kernels there are, unless the file names them all and they are in the cache, and
 * looks at the memory. `file` must outlive the plan. ERR_NOT_FOUND: a pattern or the options mean
 * no kernel or job; ERR_TOO_LARGE; those of apt.
 */
int matrix_plan_make(const struct matrix_file *file, const struct matrix_store *store,
		     const struct matrix_plan_options *options, struct matrix_plan *ret,
		     struct error *err);
void matrix_plan_free(struct matrix_plan *plan);
#define _cleanup_matrix_plan_ _cleanup_(matrix_plan_free)

/* The same with the kernels given, as apt_offered_kernels() and the cache would tell of them; moved
 * from `kernels`. For matrix_plan_make(), and for tests. */
int matrix_plan_fill(const struct matrix_file *file, const struct matrix_store *store,
		     const struct matrix_plan_options *options, struct matrix_kernel *kernels,
		     size_t n, struct matrix_plan *ret, struct error *err);

struct matrix_module *matrix_plan_module(const struct matrix_plan *plan, size_t patch,
					 size_t kernel);
/* Whether own and earlier modules of a job have their state. */
bool matrix_job_is_ready(const struct matrix_plan *plan, const struct matrix_job *job);
/* For a job that is ready: its key; then what is remembered under it, or that it cannot be held. */
int matrix_job_settle(const struct matrix_plan *plan, const struct matrix_store *store,
		      const struct matrix_plan_options *options, struct matrix_job *job,
		      struct error *err);
/* "PATCH/KERNEL/MACHINE". */
void matrix_job_name(const struct matrix_plan *plan, const struct matrix_job *job,
		     char ret[static MATRIX_JOB_NAME]);
/* Where its module lies, or (suffix ".record.json") its build record. The caller frees. */
char *matrix_module_path(const struct matrix_plan *plan, const struct matrix_store *store,
			 const struct matrix_module *module, const char *suffix);
/* "waits", "pass", "FAIL", "not built", "broken". */
const char *matrix_job_state_name(enum matrix_job_state state);
/* How many of these jobs' cases ended that way. */
size_t matrix_plan_cases(const struct matrix_plan *plan, enum trial_verdict verdict);
