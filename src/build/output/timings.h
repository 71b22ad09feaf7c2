/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the time of a build goes: what other programs take, and what is left for ourselves. */
#pragma once

#include "base/macro.h"

enum timings_kind {
	TIMINGS_MAKE,         /* kbuild, with all that it calls */
	TIMINGS_COMPILER,     /* the compiler, called directly */
	TIMINGS_PREPROCESSOR, /* the same, only to compare texts */
	TIMINGS_STRIP,
	TIMINGS_KINDS, /* how many there are */
};

/* Wall-clock milliseconds, also those in which the machine did other things. What runs at the same
 * time counts once. */
struct timings {
	int64_t start_ms; /* clock_monotonic_ms() */
	int64_t ms[TIMINGS_KINDS];
};

/* Adds the time since `start_ms` (clock_monotonic_ms()); `timings` may be NULL. */
void timings_add(struct timings *timings, enum timings_kind kind, int64_t start_ms);

/* One line of JSON on standard output: {"timings": {"total_s": …, "make_s": …, "compiler_s": …,
 * "preprocessor_s": …, "strip_s": …, "own_s": …, "own_cpu_s": …, "children_cpu_s": …}}: own_s is
 * the rest of the wall clock, the last two are seconds of computing. */
void timings_print(const struct timings *timings);
