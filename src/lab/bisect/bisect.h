/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions of a cumulative livepatch break a case. */
#pragma once

#include "base/json.h"
#include "lab/bisect/livepatch_subset.h"
#include "lab/trial/trial.h"

struct bisect_options {
	struct trial_options trial; /* its cases: the first that fails is looked into */
	size_t most;                /* tries, beside the whole patch and the empty one; 0: 200 */
	bool any_cause;             /* a part that fails the case fails, whatever the cause */
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
};

struct bisect {
	enum bisect_state state;
	struct livepatch_subset patch;
	bool *broken; /* of patch.tables.functions; owned */
	size_t tries; /* trials held, the whole and the empty patch included */
	int64_t ms;
	char name[TRIAL_NAME_MAX];    /* the case */
	struct trial_outcome outcome; /* of the whole patch in it */
};

/*
 * Holds the cases with the whole patch, the first that fails without any function of it, and then,
 * by ddmin(), with parts. A part that fails for another cause counts neither way, unless
 * `any_cause`. Errors: those of trial_run() and livepatch_subset_read(), ERR_NO_MEMORY.
 */
int bisect_run(const struct bisect_options *options, struct bisect *ret, struct error *err);
void bisect_free(struct bisect *bisect);
#define _cleanup_bisect_ _cleanup_(bisect_free)

/* "found", "passes", "elsewhere", "too-many". */
const char *bisect_state_name(enum bisect_state state);
/* docs/formats.md, "Bisection"; the caller owns it. */
int bisect_json(const struct bisect *bisect, json_t **ret, struct error *err);
/* Appends the module with the functions that break the case only (`broken`), or all others. */
int bisect_module(const struct bisect_options *options, const struct bisect *bisect, bool broken,
		  struct buf *out, struct error *err);
