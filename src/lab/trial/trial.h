/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trial: one livepatch module on one real kernel in one kind of machine, case by case. Each case
 * (trial_case_table.h) begins with the unpatched kernel and ends with it, so that any of them can
 * be held alone, again, or in another order. They share a guest until one fails: then the next one
 * gets a new guest.
 */
#pragma once

#include "base/hash.h"
#include "lab/guest/guest.h"
#include "lab/trial/verdict.h"

#define TRIAL_CASES_MAX   32
#define TRIAL_ROUNDS      100                   /* of the case `cycles`, if nothing is said */
#define TRIAL_NAME_MAX    32                    /* of a case, with its zero */
#define TRIAL_MACHINE_MAX GUEST_DESCRIPTION_MAX /* of a machine's description, with its zero */
#define TRIAL_LOG_MAX     192                   /* of a log's file name, with its zero */

#define TRIAL_STRESS_NG   "/usr/bin/stress-ng" /* given to the guest if it is there */

/* One time that a case was held. */
struct trial_outcome {
	enum trial_verdict verdict;
	enum trial_cause cause;
	int64_t ms;
	char message[ERROR_MESSAGE_MAX]; /* why it failed or was skipped, or what was seen */
};

struct trial_case {
	char name[TRIAL_NAME_MAX];
	struct trial_outcome run; /* the one that counts */
	/* With processors that are emulated by several threads, a case that fails is held again
	 * with one thread before it counts; and a boot that fails and trouble of the lab's own,
	 * always, since they say nothing of the patch: `run` is that second time, `first` the
	 * first. */
	bool repeated;
	struct trial_outcome first;
	char excerpt[CONSOLE_EXCERPT_MAX]; /* the part of the kernel's log that shows the fault */
	/* The same of the first time, if it was repeated. */
	char first_excerpt[CONSOLE_EXCERPT_MAX];
	char first_log[TRIAL_LOG_MAX];
	char log[TRIAL_LOG_MAX]; /* file name of its console log below trial_options.logs; "" */
};

struct trial {
	char kernel[65];   /* release, as the guest says it; the name given while it has not */
	char build_id[65]; /* of the running kernel; "" while unknown */
	char module[256];  /* file name */
	char module_sha256[SHA256_HEX_LEN + 1];
	char machine[TRIAL_MACHINE_MAX]; /* "pc, 1 cpu, 512 MB, tcg", and "secure boot" */
	char time[32];                   /* when it began, as clock_format() writes it */
	int64_t ms;                      /* from beginning to end, boots included */
	unsigned boots;                  /* how often a guest was started */
	struct trial_case cases[TRIAL_CASES_MAX];
	size_t n;
};

struct trial_options {
	struct guest_options guest; /* `dir` is set here */
	const char *kernel;         /* what to call it */
	const char *module;         /* the livepatch's file */
	const char *build_record;   /* its build record, whose functions are looked for; NULL */
	/* Scripts for the guest's busybox; NULL: none. Reproducer: status 0: the fault shows; 1: it
	 * does not; any other: the script itself failed. Sleeper: puts a task to sleep within a
	 * function of the patch until it is ended. */
	const char *reproducer, *sleeper;
	const char *const *earlier; /* modules of earlier versions for this kernel; NULL */
	const char *const *cases;   /* names; NULL: the standard ones */
	int cycles;                 /* rounds of the case `cycles`; 0: its default */
	int transition_timeout_ms;  /* also of the reproducer; 0: 60 s */
	const char *logs;           /* existing folder for console logs; NULL: none are kept */
	/* Each case as it begins; may be NULL. */
	void (*say)(void *user, const char *kernel, const char *what);
	void *user;
};

/*
 * Holds the cases. A guest or module that fails is a failed case; the return value is an error only
 * if the trial could not be held at all: -errno, ERR_NO_MEMORY, ERR_USAGE (a case that does not
 * exist), ERR_INVALID (the build record). `ret` (large: not for the stack) is whole even then, as
 * far as it went.
 */
int trial_run(const struct trial_options *options, struct trial *ret, struct error *err);

/* Makes room for the second time: the outcome becomes `first`, with its excerpt, and the log in the
 * folder `logs` (may be NULL) CASE-first.log. */
void trial_case_keep_first(struct trial_case *c, const char *logs);

/* No case failed, and at least one beside `boot` passed: a trial that skipped all others has shown
 * nothing. */
bool trial_passed(const struct trial *trial);
