/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What came of trials: those of one `suture-lab run`, or of a whole matrix of patches, kernels and
 * machines. Its forms: report_text.h, statement.h, junit.h, report_page.h.
 */
#pragma once

#include "lab/trial/trial.h"

#define REPORT_JOBS_MAX 16384
#define REPORT_TEXT_MAX 1024 /* of each of a job's strings, with its zero */

enum report_state {
	REPORT_HELD,       /* now */
	REPORT_REMEMBERED, /* earlier: nothing that its result depends on has changed since */
	REPORT_LEFT_OUT,   /* not meant to be held: no failure */
	REPORT_NOT_BUILT,  /* there is no module: a failure */
	REPORT_NOT_HELD,   /* it should have been held and was not: a failure */
};

/* One patch on one kernel in one machine. */
struct report_job {
	char *patch;   /* its name in a matrix; NULL outside of one */
	char *kernel;  /* release; NULL: the trial's */
	char *machine; /* its name in a matrix; NULL: the trial's description */
	enum report_state state;
	char *reason; /* why it was left out, not built or not held; NULL */
	/* Folder of the console logs, relative to where the report is; NULL: none are kept. */
	char *logs;
	/* The command that enters the machine; NULL: made from the trial's description. */
	char *shell;
	struct trial *trial; /* NULL unless held or remembered */
};

struct report {
	struct report_job *jobs; /* in the order of adding */
	size_t n, cap;
	char tool[64]; /* "suture-lab VERSION": who held the trials */
	char time[32]; /* when the report was made, as clock_format() writes it */
	int64_t ms;    /* of the whole, by the clock on the wall; 0: the sum of the trials */
};

/* An empty report of this program and time. */
void report_init(struct report *report);
void report_done(struct report *report);
#define _cleanup_report_ _cleanup_(report_done)

/*
 * Copies the strings of `job`; the trial, from malloc(3), becomes the report's even on failure. All
 * text in it is cleaned (report_clean_trial), since a guest may say anything. ERR_TOO_LARGE over
 * REPORT_JOBS_MAX, ERR_NO_MEMORY.
 */
int report_add(struct report *report, const struct report_job *job, struct error *err);
/* Keeps the jobs whose module has this hash; ERR_NOT_FOUND, with nothing changed, if none has. */
int report_select(struct report *report, const char *sha256, struct error *err);
/* Puts '?' for each byte that is no UTF-8, is a control character but newline and tab, or one that
 * XML cannot hold. */
void report_clean_text(char *text);
/* The same for all text of a trial; only the excerpts keep newlines and tabs. JSON cannot hold a
 * trial that was not cleaned. */
void report_clean_trial(struct trial *trial);

/* What a job is called: never NULL. */
const char *report_patch(const struct report_job *job); /* or the module's file name */
const char *report_kernel(const struct report_job *job);
const char *report_machine(const struct report_job *job);
/* "held", "remembered", "left-out", "not-built", "not-held". */
const char *report_state_name(enum report_state state);
int report_state_from(const char *name, enum report_state *ret);

/* A case as a sign in a grid. */
enum report_mark {
	MARK_NONE, /* this trial had no such case */
	MARK_PASS,
	MARK_FLAKY, /* failed, and passed when it was repeated */
	MARK_FAIL,
	MARK_SKIP,
	MARK_COUNT,
};
enum report_mark report_mark(const struct trial_case *c);
/* A job has a patch's name. */
bool report_is_matrix(const struct report *report);
/* The job failed: a case did, or there was none that passed, or it is a failure without one. */
bool report_job_failed(const struct report_job *job);
/* No job failed, and at least one case passed. */
bool report_passed(const struct report *report);

struct report_totals {
	size_t states[REPORT_NOT_HELD + 1]; /* jobs */
	size_t marks[MARK_COUNT];           /* cases; the first is 0 */
	size_t combinations;                /* cases that were held, once each */
	size_t patches, kernels, machines;  /* different ones */
	int64_t ms;                         /* report.ms, or what stands for it */
	int64_t trial_ms;                   /* of all trials, one after the other */
};
void report_count(const struct report *report, struct report_totals *ret);

/* One dimension of the grid: each name once, in the order of first use. The names belong to the
 * report, the array to the caller. */
struct report_names {
	const char **items;
	size_t n;
};
typedef const char *(*report_name_fn)(const struct report_job *job);
int report_names(const struct report *report, report_name_fn name, struct report_names *ret);
/* The same of all cases of one machine; NULL: of every one. */
int report_cases(const struct report *report, const char *machine, struct report_names *ret);
void report_names_done(struct report_names *names);
#define _cleanup_names_ _cleanup_(report_names_done)
/* NULL if it is not there. */
const struct trial_case *report_find_case(const struct report_job *job, const char *name);
const struct report_job *report_find_job(const struct report *report, const char *patch,
					 const char *kernel, const char *machine);

/* The cases that took longest, longest first; returns how many, at most `max`. */
struct report_slow {
	const struct report_job *job;
	const struct trial_case *c;
};
size_t report_slowest(const struct report *report, struct report_slow *ret, size_t max);
/* Milliseconds of all trials on a kernel. */
int64_t report_kernel_ms(const struct report *report, const char *kernel);
