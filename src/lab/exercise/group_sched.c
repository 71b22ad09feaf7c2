// SPDX-License-Identifier: GPL-2.0-or-later
/* Processors, policies and priorities. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "lab/exercise/check.h"

static void check_affinity(struct check *c)
{
	cpu_set_t old, one, now;
	int first = -1;

	CPU_ZERO(&old);
	CPU_ZERO(&one);
	expect_ok(c, "sched_getaffinity()", sched_getaffinity(0, sizeof(old), &old));
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &old))
			continue;
		if (first < 0)
			first = i;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		expect_ok(c, "sched_setaffinity()", sched_setaffinity(0, sizeof(one), &one));
		expect_number(c, "sched_getcpu() after sched_setaffinity()", sched_getcpu(), i);
		expect_ok(c, "sched_getaffinity()", sched_getaffinity(0, sizeof(now), &now));
		expect(c, CPU_EQUAL(&now, &one),
		       "sched_getaffinity() gave %d processors: one expected", CPU_COUNT(&now));
		if (i - first > 8)
			break;
	}
	expect_ok(c, "sched_setaffinity()", sched_setaffinity(0, sizeof(old), &old));
	CPU_ZERO(&one);
	expect_errno(c, "sched_setaffinity() to no processor",
		     sched_setaffinity(0, sizeof(one), &one), EINVAL);
}

static void check_policies(struct check *c)
{
	struct sched_param param = { 0 };
	struct timespec slice = { 0 };

	expect_number(c, "sched_getscheduler()", sched_getscheduler(0), SCHED_OTHER);
	expect_ok(c, "sched_setscheduler(SCHED_BATCH)", sched_setscheduler(0, SCHED_BATCH, &param));
	expect_number(c, "sched_getscheduler()", sched_getscheduler(0), SCHED_BATCH);
	param.sched_priority = 7;
	expect_errno(c, "sched_setscheduler() with a wrong priority",
		     sched_setscheduler(0, SCHED_BATCH, &param), EINVAL);
	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0) {
		if (!lacks_errno(c, "SCHED_FIFO", errno))
			expect_ok(c, "sched_setscheduler(SCHED_FIFO)", -1);
	} else {
		param.sched_priority = 0;
		expect_ok(c, "sched_getparam()", sched_getparam(0, &param));
		expect_number(c, "sched_getparam()", param.sched_priority, 7);
		param.sched_priority = 0;
		expect_ok(c, "sched_setscheduler(SCHED_OTHER)",
			  sched_setscheduler(0, SCHED_OTHER, &param));
	}
	expect_number(c, "sched_get_priority_max()", sched_get_priority_max(SCHED_FIFO), 99);
	expect_ok(c, "sched_rr_get_interval()", sched_rr_get_interval(0, &slice));
	expect_range(c, "sched_rr_get_interval()", slice.tv_nsec + slice.tv_sec * 1000000000, 0,
		     1000000000);
	expect_ok(c, "setpriority()", setpriority(PRIO_PROCESS, 0, 9));
	expect_number(c, "getpriority()", getpriority(PRIO_PROCESS, 0), 9);
	expect_ok(c, "sched_yield()", sched_yield());
	expect_errno(c, "sched_getscheduler() of no process", sched_getscheduler(0x3ffffff), ESRCH);
}

/* Two processes take turns on one processor: each must get there. */
static void check_turns(struct check *c)
{
	volatile int *turn =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long limit = now_ms() + CHECK_WAIT_MS;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 20; i++) {
			while (*turn != 2 * i + 1 && now_ms() < limit)
				sched_yield();
			*turn = 2 * i + 2;
		}
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		*turn = 2 * i + 1;
		while (*turn != 2 * i + 2 && now_ms() < limit)
			sched_yield();
	}
	expect_number(c, "the turns of two processes", *turn, 40);
	expect_status(c, "a child that takes turns", pid, 0);
	munmap((void *)(uintptr_t)turn, 4096);
}

void group_sched(struct check *c)
{
	check_affinity(c);
	check_turns(c);
	check_policies(c);
}
