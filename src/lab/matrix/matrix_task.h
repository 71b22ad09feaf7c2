/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workers of a matrix do: see worker_fn. */
#pragma once

#include "lab/matrix/matrix_plan.h"
#include "lab/matrix/worker.h"

struct matrix_program {
	const char *const *argv; /* NULL-terminated; argv[0] is a path */
	const char *says;        /* what it does, for people */
	const char *output;      /* file for what it prints (its end, if that is much) */
};

/* `user` is a struct matrix_program. Runs it to its end; SIGTERM is passed on to it. */
void matrix_task_program(void *user, struct worker_out *out);
/* How it ended, from the answer: the exit status (128 + signal), and its error in one line, without
 * the program's name, or "". ERR_INVALID. */
int matrix_task_program_end(const json_t *answer, int *ret_status, char *ret_message, size_t size,
			    struct error *err);

struct matrix_trial_task {
	const struct matrix_plan *plan;
	const struct matrix_store *store;
	const struct matrix_job *job; /* with its key */
};

/* `user` is a struct matrix_trial_task. Holds the job's trial on its kernel, which is in the cache;
 * answers with worker_answer_trial(). */
void matrix_task_trial(void *user, struct worker_out *out);
/* The new logs of a job, which its trial wrote, take the place of the old ones: when its trial has
 * a result, and before that is stored. */
int matrix_task_keep_logs(const struct matrix_trial_task *task, struct error *err);
/* The suture-build program: beside this one as it was called, beside its file, in PATH. The caller
 * frees. ERR_NOT_FOUND. */
int matrix_find_builder(char **ret, struct error *err);
