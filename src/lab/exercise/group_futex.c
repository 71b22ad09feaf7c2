// SPDX-License-Identifier: GPL-2.0-or-later
/* Futexes, on which every lock of user space waits. */
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "lab/exercise/check.h"

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *limit,
		  uint32_t *other, uint32_t mask)
{
	return syscall(SYS_futex, word, op, value, limit, other, mask);
}

/* Waits until `n` waiters have been woken, or the limit: a waiter may not sleep yet. */
static long wake(const struct check *c, uint32_t *word, int n)
{
	long long limit = now_ms() + wait_limit_ms(c);
	long woken = 0;

	while (woken < n && now_ms() < limit) {
		long k = futex(word, FUTEX_WAKE, 1, NULL, NULL, 0);

		woken += MAX(k, 0);
		if (k == 0)
			pause_ms(1);
	}
	return woken;
}

void group_futex(struct check *c)
{
	uint32_t *words =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec little = { .tv_nsec = 3000000 };
	pid_t pids[2];

	words[0] = 5;
	expect_errno(c, "FUTEX_WAIT on another value",
		     futex(&words[0], FUTEX_WAIT, 6, NULL, NULL, 0), EAGAIN);
	long long before = now_ms();

	expect_errno(c, "FUTEX_WAIT with a limit",
		     futex(&words[0], FUTEX_WAIT, 5, &little, NULL, 0), ETIMEDOUT);
	expect_range(c, "the ms of FUTEX_WAIT for 3 ms", now_ms() - before, 2, CHECK_WAIT_MS);
	expect_number(c, "FUTEX_WAKE of nobody", futex(&words[0], FUTEX_WAKE, 9, NULL, NULL, 0), 0);
	expect_errno(c, "futex() at an odd address",
		     futex((uint32_t *)((char *)words + 1), FUTEX_WAIT, 0, &little, NULL, 0),
		     EINVAL);
	expect_errno(c, "futex() of no operation", futex(words, 77, 0, NULL, NULL, 0), ENOSYS);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct timespec limit = { .tv_sec = CHECK_WAIT_S };
			long r = futex(&words[0], FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, NULL,
				       NULL, 1u << i);

			/* After its wake-up it waits on the second word, to which it may be moved.
			 */
			if (r == 0)
				r = futex(&words[1], FUTEX_WAIT, 0, &limit, NULL, 0);
			_exit(r == 0 || errno == EAGAIN ? 0 : 1);
		}
	}
	long long limit = now_ms() + wait_limit_ms(c);
	long woken = 0;

	while ((woken = futex(&words[0], FUTEX_WAKE_BITSET, 9, NULL, NULL, 2)) == 0 &&
	       now_ms() < limit)
		pause_ms(1);
	expect_number(c, "FUTEX_WAKE_BITSET of one of two", woken, 1);
	expect_number(c, "FUTEX_WAKE of the other", wake(c, &words[0], 1), 1);
	expect_number(c, "FUTEX_WAKE of both", wake(c, &words[1], 2), 2);
	expect_status(c, "a child that waited for a futex", pids[0], 0);
	expect_status(c, "a child that waited for a futex", pids[1], 0);
	munmap(words, 4096);
}
