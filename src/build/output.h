/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What suture-build prints while it works: one line a step, on standard output. */
#pragma once

#include "build/reason.h"

/* One step that begins. */
void output_step(const char *what);

/* A step that ended, with its seconds since `start_ms` (clock_monotonic_ms()). */
void output_done(int64_t start_ms, const char *format, ...) _printf_(2, 3);

/* Every reason, grouped by its kind, with the way round, on standard error. Sorts
 * the list. */
void output_reasons(struct reason_list *reasons);
