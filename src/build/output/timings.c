/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/output/timings.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"

void timings_add(struct timings *timings, enum timings_kind kind, int64_t start_ms)
{
	if (timings)
		timings->ms[kind] += clock_monotonic_ms() - start_ms;
}

/* Seconds of computing, by the program itself or by those that it ran and that have ended. */
static double computing(int who)
{
	struct rusage u;

	if (getrusage(who, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void timings_print(const struct timings *timings)
{
	static const char *const names[] = {
		[TIMINGS_MAKE] = "make_s",
		[TIMINGS_COMPILER] = "compiler_s",
		[TIMINGS_PREPROCESSOR] = "preprocessor_s",
		[TIMINGS_STRIP] = "strip_s",
	};
	int64_t total = clock_monotonic_ms() - timings->start_ms, own = total;

	printf("{\"timings\": {\"total_s\": %.3f", (double)total / 1000);
	for (size_t i = 0; i < TIMINGS_KINDS; i++) {
		printf(", \"%s\": %.3f", names[i], (double)timings->ms[i] / 1000);
		own -= timings->ms[i];
	}
	printf(", \"own_s\": %.3f, \"own_cpu_s\": %.3f, \"children_cpu_s\": %.3f}}\n",
	       (double)own / 1000, computing(RUSAGE_SELF), computing(RUSAGE_CHILDREN));
}
