/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/schedule.h"

#include "base/macro.h"

#define INTERVAL_DEFAULT 3600
#define RETRY_FIRST      15

void schedule_note(struct schedule *schedule, int64_t now_ms, bool failed, bool patch_changed)
{
	schedule->failures = failed ? MIN(schedule->failures + 1, 16U) : 0;
	if (patch_changed)
		schedule->changed_ms = now_ms;
}

int64_t schedule_next_ms(const struct schedule *schedule, int64_t now_ms, int64_t interval)
{
	static const int64_t minutes[] = { 1, 5, 15, 30, 60 };
	int64_t wait = (interval > 0 ? interval : INTERVAL_DEFAULT) * 1000;

	if (schedule->failures)
		wait = MIN(wait, (int64_t)RETRY_FIRST * 1000 << (schedule->failures - 1));
	for (size_t i = 0; schedule->changed_ms && i < ARRAY_SIZE(minutes); i++) {
		int64_t due = schedule->changed_ms + minutes[i] * 60000;

		if (due > now_ms)
			return MIN(wait, due - now_ms);
	}
	return wait;
}
