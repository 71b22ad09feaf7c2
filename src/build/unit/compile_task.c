/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/compile_task.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/process.h"

#define COMPILE_TIMEOUT_MS (10 * 60 * 1000)
#define COMPILE_OUTPUT_MAX (16 * 1024 * 1024)
#define WORKERS_MAX        64

void compile_tasks_free(struct compile_tasks *tasks)
{
	for (size_t i = 0; i < tasks->n; i++)
		name_list_free(&tasks->items[i].arguments);
	free(tasks->items);
	*tasks = (struct compile_tasks){ 0 };
}

struct compile_task *compile_tasks_new(struct compile_tasks *tasks, const char *cwd)
{
	if (tasks->n == tasks->cap) {
		size_t cap = tasks->cap ? tasks->cap * 2 : 8;
		struct compile_task *items = reallocarray(tasks->items, cap, sizeof(*items));

		if (!items)
			return NULL;
		tasks->items = items;
		tasks->cap = cap;
	}
	tasks->items[tasks->n] = (struct compile_task){ .cwd = cwd };
	return &tasks->items[tasks->n++];
}

static void run_task(struct compile_task *t, const struct kbuild *kb)
{
	_cleanup_buf_ struct buf out = BUF_INIT(COMPILE_OUTPUT_MAX);
	_cleanup_free_ const char **argv = calloc(t->arguments.n + 1, sizeof(*argv));
	int status;

	if (!argv) {
		t->result = error_set(&t->err, ERR_NO_MEMORY, "out of memory");
		return;
	}
	for (size_t i = 0; i < t->arguments.n; i++)
		argv[i] = t->arguments.items[i];

	struct process_options options = {
		.argv = argv,
		.env = (const char *const[]){ "LC_ALL=C", "SOURCE_DATE_EPOCH=0", NULL },
		.cwd = t->cwd,
		.timeout_ms = COMPILE_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};

	t->result = process_run(&options, &status, &t->err);
	if (t->result == 0 && status != 0) {
		char why[512];

		if (strstr(buf_str(&out), "No space left on device")) {
			t->result = error_set(&t->err, -ENOSPC, "the compiler: the disk is full");
			return;
		}

		kbuild_first_error(buf_str(&out), why, sizeof(why));
		t->result = error_set(&t->err, ERR_CHILD, "does not compile: %s", why);
		if (kb->laid_over)
			error_hint(&t->err, "%s", KBUILD_LAID_OVER_HINT);
	}
	if (t->result == 0 && t->then)
		t->result = t->then(t->user, &t->err);
}

struct run {
	struct compile_tasks *tasks;
	const struct kbuild *kb;
	atomic_size_t next;
	pthread_mutex_t lock; /* of progress */
	struct output_progress *progress;
};

static void *work(void *user)
{
	struct run *run = user;

	for (;;) {
		size_t i = atomic_fetch_add(&run->next, 1);

		if (i >= run->tasks->n)
			return NULL;
		run_task(&run->tasks->items[i], run->kb);
		pthread_mutex_lock(&run->lock);
		if (run->progress)
			output_progress_step(run->progress);
		pthread_mutex_unlock(&run->lock);
	}
}

int compile_tasks_run(struct compile_tasks *tasks, const struct kbuild *kb,
		      struct output_progress *progress, struct error *err)
{
	pthread_t threads[WORKERS_MAX];
	struct run run = {
		.tasks = tasks, .kb = kb, .lock = PTHREAD_MUTEX_INITIALIZER, .progress = progress
	};
	size_t want = MIN((size_t)MAX(kb->jobs, 1), MIN(tasks->n, (size_t)WORKERS_MAX)), n = 0;

	while (n + 1 < want && pthread_create(&threads[n], NULL, work, &run) == 0)
		n++;
	work(&run);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < tasks->n; i++)
		if (tasks->items[i].result < 0) {
			if (err)
				*err = tasks->items[i].err;
			return tasks->items[i].result;
		}
	return 0;
}
