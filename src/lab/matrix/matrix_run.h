/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does what a plan leaves to do, by workers: adds kernels, builds modules, holds trials, and, if
 * asked, takes kernels out of the cache again. Results go to the memory as they come; killed at any
 * point, the next run goes on from there.
 */
#pragma once

#include <stdio.h>

#include "lab/matrix/matrix_plan.h"

struct matrix_run_options {
	struct matrix_plan_options plan;
	unsigned jobs; /* workers at once, at least 1 */
	bool discard;  /* kernels that a matrix added to the cache go when they are done */
	FILE *log;     /* a line for each beginning and end; may be NULL */
	/* How far it is, in one line; may be NULL. */
	void (*say)(void *user, const char *text);
	void *user;
};

/* What one kernel took: by adding it, by building for it, by the trials. */
enum { TIME_ADD, TIME_BUILD, TIME_TRIAL, TIME_KINDS };

struct matrix_times {
	int64_t ms[TIME_KINDS];     /* of all tasks, one after the other */
	int64_t cpu_ms[TIME_KINDS]; /* processor time */
};

struct matrix_figures {
	struct matrix_times *kernels; /* by place in the plan; owned */
	int64_t ms;                   /* from beginning to end */
	size_t held;                  /* jobs that were held now, not remembered */
};

/*
 * `plan` gets states, reasons and results. -EINTR: a signal came; all workers have ended then, the
 * memory is whole, and *ret_signal says which. Otherwise an error only if nothing could go on:
 * whatever fails within a job is that job's state.
 */
int matrix_run(struct matrix_plan *plan, struct matrix_store *store,
	       const struct matrix_run_options *options, struct matrix_figures *ret,
	       int *ret_signal, struct error *err);
void matrix_figures_free(struct matrix_figures *figures);
