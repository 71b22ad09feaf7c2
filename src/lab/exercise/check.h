/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self-checking groups: each does real work with one part of the kernel and compares what came of
 * it with what must. A group runs in a process of its own, so that it may change whatever a process
 * owns, leave descriptors and mappings behind, and be killed at its time limit.
 */
#pragma once

#include "lab/exercise/exercise.h"

#define CHECK_TEXT_MAX 240
/* How long what must come may take: on a machine with more work than processors, stalls of seconds
 * are no fault of the kernel under test. */
#define CHECK_WAIT_MS  10000
#define CHECK_WAIT_S   10

/* The first thing that was not as it must be; what follows it is usually its consequence. */
struct check {
	char failure[CHECK_TEXT_MAX]; /* "what was seen: what was expected"; "": nothing wrong */
	char without[CHECK_TEXT_MAX]; /* what this kernel or user lacks, "a, b" */
};

struct check_group {
	const char *name;
	void (*run)(struct check *c);
};

/* Ends with an empty name. */
extern const struct check_group check_groups[];

/* Each returns whether it was as expected, and otherwise notes the failure. `what` names the call.
 */
bool expect(struct check *c, bool ok, const char *format, ...) _printf_(3, 4);
/* A result that is not negative; errno says why it was. */
bool expect_ok(struct check *c, const char *what, long long result);
bool expect_number(struct check *c, const char *what, long long seen, long long expected);
bool expect_range(struct check *c, const char *what, long long seen, long long least,
		  long long most);
/* A result of -1 with this errno. */
bool expect_errno(struct check *c, const char *what, long long result, int errnum);
bool expect_bytes(struct check *c, const char *what, const void *seen, const void *expected,
		  size_t n);
bool expect_text(struct check *c, const char *what, const char *seen, const char *expected);
/* How long to wait for what must come: CHECK_WAIT_MS, or 0 after a failure. */
int wait_limit_ms(const struct check *c);
/* Descriptor becomes ready for `events` (poll) within that time. */
bool expect_ready(struct check *c, const char *what, int fd, short events);
/* A child ends within that time, with this status of wait(2). */
bool expect_status(struct check *c, const char *what, pid_t pid, int status);
void lacks(struct check *c, const char *what);
/* Whether `errnum` says that the kernel or this user has no such thing; then it is noted. */
bool lacks_errno(struct check *c, const char *what, int errnum);

/* Bytes that differ with place and seed. */
void fill_pattern(void *data, size_t n, unsigned seed);
/* All of a file as text, cut at size - 1; false without it, which is a failure. */
bool slurp(struct check *c, const char *path, char *ret, size_t size);

void group_aio(struct check *c);
void group_crypto(struct check *c);
void group_exec(struct check *c);
void group_fs(struct check *c);
void group_futex(struct check *c);
void group_ipc(struct check *c);
void group_keys(struct check *c);
void group_mm(struct check *c);
void group_namespace(struct check *c);
void group_net(struct check *c);
void group_pipe(struct check *c);
void group_poll(struct check *c);
void group_proc(struct check *c);
void group_procfs(struct check *c);
void group_sched(struct check *c);
void group_signal(struct check *c);
void group_time(struct check *c);
void group_tty(struct check *c);
