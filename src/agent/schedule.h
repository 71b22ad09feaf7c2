/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the next check-in is due. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	int64_t changed_ms;    /* when the applied patch last changed, CLOCK_BOOTTIME; 0: never */
	unsigned int failures; /* in a row */
};

/* Notes how an update went. */
void schedule_note(struct schedule *schedule, int64_t now_ms, bool failed, bool patch_changed);

/*
 * Milliseconds until the next check-in. `interval` in seconds: what suture.conf or the server says;
 * 0: an hour. After a change of the applied patch the machine reports after 1, 5, 15, 30 and 60
 * minutes, when those come first. After a failure it tries again after 15 seconds, each time twice
 * as long, up to the interval.
 */
int64_t schedule_next_ms(const struct schedule *schedule, int64_t now_ms, int64_t interval);
