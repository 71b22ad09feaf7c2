/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-lab's verbs; see cli_run_fn in base/cli.h. */
#pragma once

#include "base/cli.h"
#include "lab/guest/guest.h"
#include "lab/trial/trial.h"
#include "package/kernel_cache.h"

#define EXIT_CASE_FAILED 3

/* command_worker.c: runs a command in a process of its own, with our output and without input.
 * Whatever ends it or interrupts us, what it started has ended then, and its temporary files are
 * gone. Returns what the command did, or ERR_CHILD if it crashed; after an interrupt, the signal's
 * way. */
int command_in_worker(cli_run_fn command, struct cli *cli, struct error *err);

/* command_run.c */
int command_run(struct cli *cli, struct error *err);
int command_cases(struct cli *cli, struct error *err);

/* command_matrix.c */
int command_matrix(struct cli *cli, struct error *err);

/* command_report.c */
int command_report(struct cli *cli, struct error *err);

/* command_selftest.c */
int command_selftest(struct cli *cli, struct error *err);

/* command_bisect.c */
int command_bisect(struct cli *cli, struct error *err);

/* command_shell.c */
int command_shell(struct cli *cli, struct error *err);

/* command_named.c */
int command_start(struct cli *cli, struct error *err);
int command_exec(struct cli *cli, struct error *err);
int command_put(struct cli *cli, struct error *err);
int command_load(struct cli *cli, struct error *err);
int command_get(struct cli *cli, struct error *err);
int command_log(struct cli *cli, struct error *err);
int command_trace(struct cli *cli, struct error *err);
int command_stop(struct cli *cli, struct error *err);
int command_list(struct cli *cli, struct error *err);

/*
 * Options that every verb with a guest has: kernel, image, modules, memory, cpus, cpu, accel, net,
 * append, load, program, file. Arrays belong to `lab_options`, strings to the command line or to
 * `kernel`.
 */
struct lab_options {
	struct guest_options guest;
	struct kernel *kernel; /* NULL with --image */
	const char **load, **programs, **files;
};

/* `nth`: which --kernel; `also_load`: another option that means --load, or NULL. Fetches the kernel
 * unless it is in the cache. ERR_USAGE, and what kernel_fetch() gives. */
int lab_options_get(const struct cli *cli, size_t nth, const char *also_load,
		    struct lab_options *ret, struct error *err);
void lab_options_free(struct lab_options *options);
#define _cleanup_lab_options_ _cleanup_(lab_options_free)

/* A trial as the command line asks for it: the options above, and module, build-record, reproducer,
 * sleeper, earlier, case, cycles, timeout. */
struct lab_trial {
	struct lab_options guest;
	struct trial_options options; /* `say` and `logs` are the caller's to set */
	const char **cases, **earlier;
};

/* `nth`: which --kernel. Errors: those of lab_options_get(), ERR_USAGE (no such case), -errno (a
 * file that cannot be read). */
int lab_trial_get(const struct cli *cli, size_t nth, struct lab_trial *ret, struct error *err);
void lab_trial_free(struct lab_trial *trial);
#define _cleanup_lab_trial_ _cleanup_(lab_trial_free)
