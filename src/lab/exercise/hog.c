// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory is taken in steps of half of what is still too much, touched and locked at once, so that
 * the last steps are small: MemAvailable is exact to what the kernel's per-processor counts hold
 * back.
 */
#include <sys/mman.h>

#include "lab/exercise/exercise.h"

#define STEP_LEAST_KB 64
#define STEP_MOST_KB  65536
#define STEPS_MAX     20000

/* -errno if /proc/meminfo does not say it. */
static long available_kb(int meminfo)
{
	char text[4096];
	ssize_t n = pread(meminfo, text, sizeof(text) - 1, 0);

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

int exercise_hog(const char *kb)
{
	unsigned long wanted;
	long available = 0;
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
	for (int i = 0; i < STEPS_MAX; i++) {
		available = available_kb(meminfo);
		if (available <= (long)wanted)
			break;
		long step = (available - (long)wanted) / 2;

		step = MAX(MIN(step, STEP_MOST_KB), STEP_LEAST_KB) & ~3L;
		if (!take((size_t)step * 1024))
			return complain("hog: %ld KB of memory: %s", step, strerror(errno));
	}
	if (available < 0 || available > (long)wanted)
		return complain("hog: MemAvailable stays at %ld KB: more than %lu", available,
				wanted);
	printf("ready %ld\n", available);
	fflush(stdout);
	hold(0, true);
	return 0;
}
