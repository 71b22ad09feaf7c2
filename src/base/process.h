/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Child processes with time limits and bounded output. Never a shell: an argument vector only.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct process_options {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;  /* NULL: inherit; otherwise NULL-terminated "NAME=value" additions
				    to the parent's */
	const char *cwd;         /* NULL: inherit */
	const void *input;       /* standard input; NULL: /dev/null */
	size_t input_len;
	int timeout_ms;  /* 0: no limit; the whole process group is killed at the limit */
	struct buf *out; /* standard output; NULL: /dev/null. Past its maximum the child is killed
			    (ERR_TOO_LARGE). */
	struct buf *errout; /* standard error; NULL: inherit; may be the same buffer as `out` */
	bool keep_output;   /* inherit standard output too */
};

/*
 * Runs a program to its end. `ret_status` gets the exit status (0 to 255), or 128 + signal; it may
 * be NULL, and then any status but 0 is ERR_CHILD with the last line of errout in the message.
 * Errors: -errno (ENOENT: no such program), ERR_TIMEOUT, ERR_TOO_LARGE, ERR_CHILD.
 */
int process_run(const struct process_options *options, int *ret_status, struct error *err);

/* The path of a program that PATH leads to; NULL: to none, or without memory. Empty parts of PATH,
 * which mean the current folder, do not count. The caller frees. */
char *process_find(const char *name);

/* Starts a program in its own process group and returns without waiting; stdin is /dev/null, stdout
 * and stderr go to `out_fd` (-1: inherit). The child dies with its parent's thread (PDEATHSIG). */
int process_start(const char *const *argv, int out_fd, pid_t *ret_pid, struct error *err);
/*
 * Closes descriptors that somebody hostile may have made, without ever waiting. close(2) of a
 * socket that lingers waits as long as its owner said, and so does that of a socket in whose queue
 * such a one lies; a process that is ending never waits for them (inet_release() in
 * net/ipv4/af_inet.c). So the last references are those of a process that only ends. At most
 * PROCESS_CLOSE_MAX of them. If no process can be made, they are closed here.
 */
#define PROCESS_CLOSE_MAX 256
void process_close_elsewhere(const int *fds, size_t n);
/* Ends a started child: SIGTERM, after `grace_ms` SIGKILL, and reaps it. */
int process_stop(pid_t pid, int grace_ms);
