/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time: seconds since 1970 UTC, RFC 3339 text, and a monotonic clock for durations. */
#pragma once

#include "base/error.h"

#define CLOCK_TEXT_MAX 32

int64_t clock_now(void);          /* CLOCK_REALTIME, whole seconds */
int64_t clock_monotonic_ms(void); /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_boottime_ms(void);  /* CLOCK_BOOTTIME, milliseconds: counts suspended time */
/* "2026-11-22T04:18:00Z"; years 1970 to 9999, others are clamped. */
void clock_format(int64_t seconds, char ret[static CLOCK_TEXT_MAX]);
/* Accepts exactly the form above (UTC, whole seconds: what TUF prescribes). ERR_INVALID otherwise.
 */
int clock_parse(const char *text, int64_t *ret_seconds);
