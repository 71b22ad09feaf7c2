/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What suture-build prints while it works: one line a step, on standard output. */
#pragma once

#include "package/name_list.h"

/* One step that begins. */
void output_step(const char *what);

/* A step that ended, with its seconds since `start_ms` (clock_monotonic_ms()). */
void output_done(int64_t start_ms, const char *format, ...) _printf_(2, 3);

/* Every reason against a patch, each on its own line of standard error. */
void output_reasons(const struct name_list *reasons);
