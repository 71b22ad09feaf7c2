/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A livepatch's transition as it runs: which tasks have changed over, and which hold it up. Follows
 * kernel/livepatch/transition.c and fs/proc/base.c of 6.1 and 6.12.
 *
 * Every task changes by itself: when it sleeps outside of all functions concerned, or when it
 * leaves the kernel. Fifteen seconds after the beginning, and every fifteen from then on, the
 * kernel gives those that are left a signal that they do not see, and wakes up its own threads. Who
 * stays in a function of the patch nevertheless, holds everything up. Nothing here, and nothing in
 * Suture, writes to /sys/kernel/livepatch/NAME/force: it ends the transition without regard to
 * those tasks, which is only safe if it is known what they do, and it keeps the module in for good.
 */
#pragma once

#include "kernel/livepatch.h"

#define KERNEL_TASKS_MAX         262144 /* looked at in one walk */
#define KERNEL_BLOCKERS_MAX      64     /* told of with name and stack */
#define KERNEL_BLOCKER_NAME_MAX  64
#define KERNEL_BLOCKER_FUNCS_MAX 8
#define KERNEL_STACK_MAX         16384 /* bytes of one task's stack as text */

struct kernel_task_count {
	size_t tasks;      /* all, but those that vanished while they were looked at */
	size_t changed;    /* are where the transition goes */
	size_t unreadable; /* may be either: only their owner, or root, may look, or this /proc
			      hides them */
	bool cut;          /* there are more than KERNEL_TASKS_MAX */
};

/* Walks over /proc/PID/task/TID/patch_state: 1 for patched, 0 for not, -1 when no transition runs.
 * `target`: where it goes. Some 15 µs a task. ERR_NO_MEMORY, -errno when there is no /proc. */
int kernel_transition_count(const char *root, bool target, struct kernel_task_count *ret,
			    struct error *err);

/* A task that has not changed. */
struct kernel_blocker {
	int pid, tid;
	char name[KERNEL_BLOCKER_NAME_MAX]; /* printable ASCII; '?' for other bytes */
	char state;                         /* R, S, D, … of proc(5); '?' */
	bool kernel_thread;
	char *stack; /* a frame a line, "name+0x1/0x20" or "name+0x1/0x20 [module]", innermost
			first; NULL when it may not be seen (CAP_SYS_ADMIN is needed) */
	/* Functions of the patch that are on it, innermost first; they belong to the transition. */
	const struct kernel_livepatch_func *functions[KERNEL_BLOCKER_FUNCS_MAX];
	size_t n_functions;
};

struct kernel_transition {
	char livepatch[KERNEL_MODULE_NAME_MAX + 1]; /* "": none runs, and the rest means nothing */
	bool target;                                /* true: into the patch, false: out of it */
	int64_t ms;    /* for how long it has run, by the kernel log; -1: not known */
	int signalled; /* the kernel has signalled those that are left: 1, 0, -1: not known */
	struct kernel_livepatch_funcs functions; /* of the patch */
	struct kernel_task_count count;
	struct kernel_blocker *blockers; /* those on functions of the patch first, then by number */
	size_t n, left_off;              /* how many there are here, and how many more */
	/*
	 * No task of /proc is left, and the transition runs still: what has not changed is the idle
	 * tasks, one a processor, which are not in /proc (they change when their processor wakes up
	 * from idling, for which the kernel cares itself once a second); or the kernel is just
	 * about to look again, which it does once a second too.
	 */
	bool idle;
};

/* Reads all of it. None runs: that is no error. A task that vanishes or changes meanwhile is not
 * listed. Errors: ERR_NO_MEMORY, -errno, ERR_TOO_LARGE. Free with kernel_transition_free(). */
int kernel_transition_read(const char *root, struct kernel_transition *ret, struct error *err);
void kernel_transition_free(struct kernel_transition *transition);
#define _cleanup_kernel_transition_ _cleanup_(kernel_transition_free)

/* Who holds it up, in some words that follow "it waits for": "bash (pid 4711) in
 * nf_tables_valid_genid, kthreadd (pid 2), and 3 more tasks". Cut to `size`. */
void kernel_transition_describe(const struct kernel_transition *transition, char *ret, size_t size);
