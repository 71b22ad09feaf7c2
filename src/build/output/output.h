/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What suture-build prints while it works: one line a step, on standard output. */
#pragma once

#include "build/output/reason.h"

/* One step that begins. */
void output_step(const char *what);

/* A step that ended, with its seconds since `start_ms` (clock_monotonic_ms()). */
void output_done(int64_t start_ms, const char *format, ...) _printf_(2, 3);

/* A step of many parts: a bar on a terminal, a line at each tenth elsewhere. */
struct output_progress {
	const char *what; /* "compiling"; NULL: nothing is told */
	size_t total, done;
};

/* Says on a terminal what begins. */
void output_progress_begin(const struct output_progress *progress);
/* One more part is done. A step of few parts is not worth telling. */
void output_progress_step(struct output_progress *progress);
/* Takes it away. */
void output_progress_end(const struct output_progress *progress);

/* Every reason, grouped by its kind, with the way round, on standard error. Sorts
 * the list. */
void output_reasons(struct reason_list *reasons);
