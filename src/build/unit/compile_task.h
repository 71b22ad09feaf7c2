/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many calls of the compiler at once. */
#pragma once

#include "build/unit/kbuild.h"
#include "build/output/output.h"
#include "package/name_list.h"

/* One call. */
struct compile_task {
	struct name_list arguments; /* argv, with the compiler's name */
	const char *cwd;            /* not owned */
	/* What is done with the output afterwards, while other calls run; may be NULL. */
	int (*then)(void *user, struct error *err);
	void *user;
	struct error err;
	int result; /* 0, or ERR_CHILD with the compiler's words, … */
};

struct compile_tasks {
	struct compile_task *items;
	size_t n, cap;
};

void compile_tasks_free(struct compile_tasks *tasks);
#define _cleanup_compile_tasks_ _cleanup_(compile_tasks_free)

/* Appends an empty call in the folder `cwd`; NULL without memory. Good until the next one. */
struct compile_task *compile_tasks_new(struct compile_tasks *tasks, const char *cwd);

/* Runs all, as many at a time as the kernel's builds may; each is a step of `progress` (may be
 * NULL). The first failure in their order is the result. */
int compile_tasks_run(struct compile_tasks *tasks, const struct kbuild *kb,
		      struct output_progress *progress, struct error *err);
