/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers: child processes, each with one task, that tell their parent of it in JSON lines through
 * a pipe. What a worker does, crash or hang, the parent goes on and has an end to show for it.
 *
 * A line is {"say": TEXT}, a step that begins, or {"answer": VALUE}, once, the last. They are read
 * with bounds, as if from outside.
 *
 * While there is a pool, SIGINT, SIGTERM and SIGHUP are held back in the parent unless they are
 * ignored, and end every wait from then on.
 */
#pragma once

#include "base/json.h"

#define WORKERS_MAX     64
#define WORKER_LINE_MAX (2 * 1024 * 1024)

struct worker_pool;
struct worker_out;

/* In the child: do the task and give the answer with worker_answer(). SIGTERM ends the child unless
 * the task has its own way. */
typedef void (*worker_fn)(void *user, struct worker_out *out);

/* In the child. Errors are ignored: a parent that does not listen has ended, and so does the child.
 */
void worker_say(struct worker_out *out, const char *text);
void worker_answer(struct worker_out *out, json_t *value);

/* In the child: the answer is the error `r` (below 0), with its message and hint. */
void worker_answer_error(struct worker_out *out, int r, const struct error *err);
/* In the parent: sets and returns that error; 0 if the answer is none; ERR_INVALID for what makes
 * no sense. */
int worker_take_error(const json_t *answer, struct error *err);

enum worker_how {
	WORKER_ANSWERED,
	WORKER_CRASHED,   /* ended without an answer, or by a signal */
	WORKER_TOO_LONG,  /* its time was over; it was ended */
	WORKER_BROKE_OFF, /* said what is no line, or too much; it was ended */
};

struct worker_end {
	void *tag;
	enum worker_how how;
	json_t *answer;    /* for the caller; NULL unless it answered */
	char message[128]; /* how it ended, for people, unless it answered */
	int64_t ms, cpu_ms;
};

/* `said` gets each step; may be NULL. */
int worker_pool_new(void (*said)(void *user, void *tag, const char *text), void *user,
		    struct worker_pool **ret, struct error *err);
/* Those started from now on write to our standard output. */
void worker_pool_keep_output(struct worker_pool *pool);
/* Ends the workers that are left: SIGTERM, and SIGKILL after 10 s. With a worker
 * ends whatever it has started and left; that is waited for. While there is a pool, every child of
 * this process that is no worker counts as such. */
void worker_pool_free(struct worker_pool *pool);
DEFINE_CLEANUP(struct worker_pool *, worker_pool_free);

/*
 * Starts one. `user` is seen by the child as it is now. `runtime` (may be NULL): a folder that is
 * made for the worker below this one, is its XDG_RUNTIME_DIR, and goes with its end. `timeout_ms`:
 * 0: no limit. ERR_TOO_LARGE: WORKERS_MAX are at work.
 */
int worker_start(struct worker_pool *pool, worker_fn fn, void *user, void *tag, const char *runtime,
		 int timeout_ms, struct error *err);
size_t worker_count(const struct worker_pool *pool);
/* Waits for the end of one. ERR_NOT_FOUND: there is none. -EINTR: a signal came, see below. */
int worker_wait(struct worker_pool *pool, struct worker_end *ret, struct error *err);
/* The signal that came, or 0. */
int worker_signal(const struct worker_pool *pool);
