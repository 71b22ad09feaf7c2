/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trial: one livepatch module on one real kernel, from loading to taking back, case by case.
 */
#pragma once

#include "lab/guest/guest.h"

#define TRIAL_CASES_MAX 16

struct trial_case {
	const char *name;
	bool passed;
	int64_t ms;
	char message[ERROR_MESSAGE_MAX]; /* why it failed, or what was seen; "" for nothing */
};

struct trial {
	char kernel[65];   /* release, as the guest says it; the name given while it has not */
	char build_id[65]; /* of the running kernel; "" while unknown */
	struct trial_case cases[TRIAL_CASES_MAX];
	size_t n;
	char excerpt[CONSOLE_EXCERPT_MAX]; /* the part of the kernel log that shows the fault */
};

struct trial_options {
	struct guest_options guest; /* `dir` is set here */
	const char *kernel;         /* what to call it */
	const char *module;         /* the livepatch's file */
	/* A script for the guest's busybox; NULL: none. Status 0: the fault shows; 1: it does not;
	 * any other: the script itself failed. */
	const char *reproducer;
	int cycles;                /* how often load and take back are done; at least 1 */
	int transition_timeout_ms; /* also of the reproducer */
	void (*say)(const char *kernel, const char *what); /* each case as it begins; may be NULL */
};

/*
 * Cases, in this order: boot; before (the reproducer shows the fault); load; transition; objects
 * (every object of the patch is patched; a module that is not loaded yet is loaded); after (the
 * fault is gone); take-back; restored (the fault is there again); unload; cycles; taints; log. What
 * follows a failure is left out, but for taints and log. A guest or module that fails is a failed
 * case; the return value is an error only if the trial could not be held: -errno, ERR_NO_MEMORY.
 */
int trial_run(const struct trial_options *options, struct trial *ret, struct error *err);

bool trial_passed(const struct trial *trial);
