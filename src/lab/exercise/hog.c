// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory is taken in steps of half of what is still too much, touched and locked at once, so that
 * the last steps are small. Meanwhile the processors' own lists of free pages, which MemAvailable
 * does not count, are kept short: since 6.7 the kernel fills them with megabytes for one that takes
 * much.
 */
#include <sys/mman.h>

#include "lab/exercise/exercise.h"

#define STEP_LEAST_KB 64
#define STEP_MOST_KB  16384
#define STEPS_MAX     20000

/* -errno if /proc/meminfo does not say it. */
static long available_kb(int meminfo)
{
	char text[4096];
	/* Each processor keeps a part of the counts for itself; this adds them. */
	_cleanup_close_ int refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	ssize_t n = refresh < 0 ? 0 : write(refresh, "1", 1);

	n = pread(meminfo, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = 0;
	char *line = strstr(text, "\nMemAvailable:");

	return line ? strtol(line + strlen("\nMemAvailable:"), NULL, 10) : -ENOENT;
}

/* True when it is taken. */
static bool take(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return false;
	/* Huge pages would make the steps larger than they are. */
	madvise(p, bytes, MADV_NOHUGEPAGE);
	return mlock(p, bytes) == 0;
}

/* Writes `value`; what was there goes to `ret_old`, "" if that cannot be. */
static void set_list_fraction(const char *value, char ret_old[static 32])
{
	_cleanup_close_ int fd =
		open("/proc/sys/vm/percpu_pagelist_high_fraction", O_RDWR | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, ret_old, 31, 0);

	ret_old[MAX(n, 0)] = 0;
	/* Without it the result is only less exact. */
	if (fd >= 0 && pwrite(fd, value, strlen(value), 0) < 0)
		ret_old[0] = 0;
}

/* Until MemAvailable is at most `wanted`; what it is then, or -errno. */
static long take_until(int meminfo, long wanted)
{
	long available = 0;

	for (int i = 0; i < STEPS_MAX; i++) {
		available = available_kb(meminfo);
		if (available <= wanted)
			break;
		long step = (available - wanted) / 2;

		step = MAX(MIN(step, STEP_MOST_KB), STEP_LEAST_KB) & ~3L;
		if (!take((size_t)step * 1024))
			return -errno;
	}
	return available;
}

int exercise_hog(const char *kb)
{
	unsigned long wanted;
	char fraction[32], dropped[32];
	long available;
	_cleanup_close_ int meminfo = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int adjust = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (!parse_number(kb, 1ul << 40, &wanted)) {
		complain("hog: %s: not a number of KB", kb);
		return EXIT_USAGE;
	}
	if (meminfo < 0)
		return complain("hog: /proc/meminfo: %s", strerror(errno));
	if (adjust < 0 || write(adjust, "-1000", 5) < 0)
		return complain("hog: oom_score_adj: %s", strerror(errno));
	hold_prepare();
	mlockall(MCL_CURRENT);
	set_list_fraction("100000", fraction);
	available = take_until(meminfo, (long)wanted);
	if (fraction[0])
		set_list_fraction(fraction, dropped);
	if (available < 0)
		return complain("hog: memory: %s", strerror((int)-available));
	if (available > (long)wanted)
		return complain("hog: MemAvailable stays at %ld KB", available);
	printf("ready %ld\n", available);
	fflush(stdout);
	hold(0, true);
	return 0;
}
