/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suture-lab-exercise: what runs inside the lab's guests, as /lab/exercise, to use the kernel and
 * to look whether it answers rightly. Static, and without anything of the guest but the kernel.
 * Every wait has a limit; nothing is left behind, whatever ends it.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macro.h"

#define EXIT_USAGE 2

/* "exercise: what: why" on standard error. Returns 1, an exit status. */
int complain(const char *format, ...) _printf_(1, 2);

long long now_ms(void);
void pause_ms(long ms);

/* Children that end with this process (hold.c). */
struct children {
	pid_t *pids;
	size_t n, max;
};

/* Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD, so that hold() sees them. Before the first child. */
void hold_prepare(void);
/* Forks a child that dies with this process and has its signals as they were. 0 in the child; in
 * the parent its pid, which is added to `all`; a negative errno on failure. */
pid_t children_fork(struct children *all);
/* Kills all with SIGKILL and reaps them, for at most ten seconds. */
void children_end(struct children *all);
/* Waits for SIGTERM, SIGINT, SIGHUP, or `with_input` the end of standard input if that is a pipe, a
 * socket or a terminal: a guest's command in the background has /dev/null, and stays. For at most
 * `limit_ms` (0: for ever). True at the limit. */
bool hold(long long limit_ms, bool with_input);

/* The subcommands; each returns an exit status. */
int exercise_check(char **names);
int exercise_list(void);
int exercise_mix(const char *seconds);
int exercise_sleep(void);
int exercise_spin(const char *count);
int exercise_hog(const char *kb);
int exercise_memory(bool parts);
/* "exercise echo …": what the group exec runs; see group_exec.c. */
int exercise_echo(char **argv);

/* A whole decimal number of 0 to `max`; false for anything else. */
bool parse_number(const char *text, unsigned long max, unsigned long *ret);
