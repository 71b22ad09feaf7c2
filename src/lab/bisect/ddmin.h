/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delta debugging: the smallest part of a set that still shows a fault (A. Zeller, R. Hildebrandt,
 * "Simplifying and Isolating Failure-Inducing Input", 2002, algorithm ddmin).
 */
#pragma once

#include "base/error.h"

enum ddmin_verdict {
	DDMIN_PASSES,     /* the part does not show the fault */
	DDMIN_FAILS,      /* it does */
	DDMIN_UNRESOLVED, /* it shows something else: neither the one nor the other */
};

/* Tries a part, the members i with part[i]. A negative code ends the search. */
typedef int (*ddmin_try_fn)(void *user, const bool *part, enum ddmin_verdict *ret,
			    struct error *err);

/*
 * `part`: n members, all of which together fail; becomes one that fails and of which no single
 * member can be left out, unless `most` tries are used up before: then ERR_TIMEOUT, and `part` is
 * the smallest that failed so far. Parts are not tried twice. `ret_tries` (may be NULL) counts.
 */
int ddmin(bool *part, size_t n, size_t most, ddmin_try_fn attempt, void *user, size_t *ret_tries,
	  struct error *err);
