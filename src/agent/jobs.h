/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sutured is asked to do, one after the other, in one worker thread. The main loop hands jobs
 * in and gets them back when they are done; only the worker touches the agent. What its owner wants
 * of the patch in the kernel does not wait for the network: it comes before jobs that wait, and the
 * one that runs gets no more from the fetcher.
 */
#pragma once

#include "agent/agent.h"
#include "kernel/trouble.h"

enum job_kind {
	JOB_BOOT, /* the first one: what was begun, and what was accepted */
	JOB_REFRESH,
	JOB_ENABLE,
	JOB_DISABLE,
	JOB_ROLLBACK,
	JOB_HOLD,
	JOB_UNHOLD,
	JOB_RETRY,
	JOB_WATCH,   /* the time of the watch may have passed */
	JOB_TROUBLE, /* the kernel's log told of something */
};

struct job {
	enum job_kind kind;
	/* What was asked; owned. */
	uint8_t *bundle; /* enable: NULL or the bundle's bytes */
	size_t bundle_len;
	char *token;    /* enable; wiped */
	char *tier;     /* enable: NULL or a tier */
	char *hostname; /* enable: NULL or the name to enrol under */
	char *medium;   /* refresh: NULL or an absolute path */
	bool unpatch;
	bool has_version; /* rollback, retry */
	struct patch_version version;
	struct kernel_report *report; /* trouble */
	uint64_t log_next;            /* trouble: how far the log was read */
	void *owner;                  /* the main loop's own */
	/* The outcome. */
	struct error error;    /* code 0: done */
	char *status;          /* the status afterwards as JSON text; NULL without memory */
	int64_t interval;      /* seconds that the server asked for; 0: not known */
	int64_t configured;    /* seconds that suture.conf asks for; 0: none */
	bool patch_changed;    /* the applied patch is another one than before */
	bool enabled;          /* after the job */
	int64_t watch_left_ms; /* after the job; -1: no watch runs */
	int64_t retry_left_ms; /* after the job; -1: nothing waits for its second try */
	bool noted;            /* trouble: something was written down */
	struct job *next;
};

struct job *job_new(enum job_kind kind);
void job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free);

/* Does it take the fetcher's answers away from the job that runs? Of what the kernel's log tells,
 * only an oops in the patch: anybody can have the kernel warn of something at any time, and no
 * update would ever come to its end. */
bool job_wants_way(const struct job *job);

struct jobs;

#define JOBS_WAITING_MAX 32

/* Starts the worker on `agent`, which must outlive it. */
int jobs_start(struct agent *agent, struct jobs **ret, struct error *err);
/* Waits for the running job (which is told to stop through the agent's cancel descriptor) and
 * drops the others, but for an oops in the patch, which is written down. */
void jobs_free(struct jobs *jobs);
DEFINE_CLEANUP(struct jobs *, jobs_free);

/* Hands a job over. ERR_BAD_STATE when JOBS_WAITING_MAX wait already; the job stays the caller's
 * then. */
int jobs_add(struct jobs *jobs, struct job *job, struct error *err);
/* True while a job waits or runs. */
bool jobs_is_busy(struct jobs *jobs);
/* Readable when a job is done. */
int jobs_fd(const struct jobs *jobs);
/* The next done job, the caller's; NULL when there is none. */
struct job *jobs_take_done(struct jobs *jobs);
