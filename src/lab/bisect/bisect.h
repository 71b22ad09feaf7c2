/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions of a cumulative livepatch break a case. */
#pragma once

#include "base/json.h"
#include "lab/bisect/ddmin.h"
#include "lab/bisect/livepatch_subset.h"
#include "lab/bisect/record_subset.h"
#include "lab/trial/trial.h"

struct bisect_options {
	struct trial_options trial; /* its cases: the first that fails is looked into */
	size_t most;                /* tries of ddmin(); 0: 200 */
	bool any_cause; /* a part that fails the case fails, whatever the cause, unless that is
			 * CAUSE_FAULT_STAYS: what the patch mends shows without it */
	/* Each try as it ends; may be NULL. */
	void (*say)(void *user, const char *text);
	void *user;
};

enum bisect_state {
	BISECT_FOUND,
	BISECT_PASSES,    /* the whole patch fails no case */
	BISECT_ELSEWHERE, /* it fails without any function too: callbacks, or not the patch's fault
			   */
	BISECT_TOO_MANY,  /* the tries were used up: `broken` is the smallest part that failed */
	BISECT_NOT_SEARCHED, /* the fault shows although patched (CAUSE_FAULT_STAYS). It shows
			      * without any function too, so parts cannot tell what is missing */
};

struct bisect {
	enum bisect_state state;
	struct livepatch_subset patch;
	bool *broken; /* of patch.tables.functions; owned */
	/* Of those, if they are several: the case tells nothing without it (other causes, skipped),
	 * so it may only be needed to show the fault. Owned. */
	bool *unclear;
	/* The patch without the functions that were found, if that leaves any: DDMIN_FAILS if these
	 * break the case by themselves too. */
	bool others_tried;
	enum ddmin_verdict others;
	struct record_subset record;
	size_t tries;      /* trials held, the whole and the empty patch included */
	size_t unresolved; /* those of parts that told neither the one nor the other */
	int64_t ms;
	char name[TRIAL_NAME_MAX];    /* the case */
	struct trial_outcome outcome; /* of the whole patch in it */
};

/*
 * Holds the cases with the whole patch, the first that fails without any function of it, and then,
 * by ddmin(), with parts, at last with all others than those found; each with its part of the build
 * record. A part that fails for another cause counts neither way, unless `any_cause`; nor does one
 * for which the case is skipped. Errors: those of trial_run(), livepatch_subset_read() and
 * record_subset_read(), ERR_NO_MEMORY; ERR_UNSUPPORTED: the patch replaces no function;
 * ERR_BAD_STATE: the kernel does not boot, or every case was skipped with the whole patch.
 */
int bisect_run(const struct bisect_options *options, struct bisect *ret, struct error *err);
void bisect_free(struct bisect *bisect);
#define _cleanup_bisect_ _cleanup_(bisect_free)

/* "found", "passes", "elsewhere", "too-many", "not-searched". */
const char *bisect_state_name(enum bisect_state state);
/* Is function `i` of the patch among those to be named? */
bool bisect_names(const struct bisect *bisect, size_t i);

/* What a function is called, in one line of clean text: the file may hold any bytes. */
struct bisect_name {
	char object[64], name[512];
};
struct bisect_name bisect_name(const struct bisect *bisect, size_t i);
/* docs/formats.md, "Bisection"; the caller owns it. */
int bisect_json(const struct bisect *bisect, json_t **ret, struct error *err);
/* Appends the module with the functions that break the case only (`broken`), or all others. */
int bisect_module(const struct bisect_options *options, const struct bisect *bisect, bool broken,
		  struct buf *out, struct error *err);
