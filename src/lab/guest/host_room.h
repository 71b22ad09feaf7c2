/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many guests this machine has room for at once: processors that this process may use
 * (sched_setaffinity(2), cpu.max of its control groups) and free memory (MemAvailable, memory.max).
 */
#pragma once

#include "base/error.h"

struct host_room {
	unsigned cpus;
	uint64_t memory_mb;
};

/* `root`: folder with proc/ and sys/; "" for this machine's. What cannot be read sets no limit, but
 * a machine that does not tell its free memory has none. */
void host_room_read(const char *root, struct host_room *ret);
/* How many guests fit that keep `threads` processors busy and have `memory_mb`; at least 1. A guest
 * on one emulating thread (GUEST_TCG) keeps one busy, however many it has itself. */
unsigned host_room_fit(const struct host_room *room, unsigned threads, unsigned memory_mb);
/* Both for this machine. */
unsigned host_room_jobs(unsigned threads, unsigned memory_mb);
