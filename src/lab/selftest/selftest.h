/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own livepatch selftests on the stock kernel in a guest: a check of the lab and of
 * the kernel. The tests come from the kernel's source in the cache, and are compiled for it there.
 */
#pragma once

#include "lab/trial/trial.h"
#include "package/kernel_cache.h"

/* What a trial of them has in the place of a module's file name. Its hash is that of the tests'
 * sources. */
#define SELFTEST_MODULE "selftests of the kernel"

struct selftest_options {
	struct guest_options guest; /* `dir` is set here */
	const struct kernel *kernel;
	const char *tree;        /* a kernel source tree with other selftests; NULL: the kernel's */
	const char *const *only; /* scripts that are wanted; NULL: all */
	int jobs;                /* of make */
	int script_timeout_ms;
	const char *logs; /* existing folder for the guests' logs; NULL: none are kept */
	/* Each step as it begins; may be NULL. */
	void (*say)(void *user, const char *kernel, const char *what);
	void *user;
};

/*
 * Compiles and runs them in one guest, and after a script that failed in a new one. The cases are
 * `build`, one for each test that the scripts hold, and `log`: what the kernels had to say. What
 * fails is a failed case; the return value is an error only if nothing could be tried: what
 * selftest_tree() and selftest_files_list() give, ERR_NOT_FOUND (a program that the scripts need is
 * not on this machine), ERR_TOO_LARGE (more tests than a trial has cases).
 */
int selftest_run(const struct selftest_options *options, struct trial *ret, struct error *err);
