// SPDX-License-Identifier: GPL-2.0-or-later
/* Clocks and timers: never early, and late by no more than a busy emulator explains. */
#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

#include "lab/exercise/check.h"

#define LATE_US (CHECK_WAIT_MS * 1000)

static long long clock_us(clockid_t clock)
{
	struct timespec t = { 0 };

	/* The call, not the vDSO. */
	if (syscall(SYS_clock_gettime, clock, &t) < 0)
		return -1;
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void check_clocks(struct check *c)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
					    CLOCK_MONOTONIC_RAW };
	struct timespec t = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		long long a = clock_us(clocks[i]), b = clock_us(clocks[i]);

		expect_range(c, "clock_gettime() twice", b - a, 0, LATE_US);
		expect_ok(c, "clock_getres()", clock_getres(clocks[i], &t));
		expect_range(c, "clock_getres()", t.tv_sec * 1000000000LL + t.tv_nsec, 1, 20000000);
		clock_gettime(clocks[i], &t);
		expect_range(c, "clock_gettime() of the vDSO",
			     (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000 - b, -1, LATE_US);
	}
	struct timeval v = { 0 };
	long long now = clock_us(CLOCK_REALTIME);

	expect_ok(c, "gettimeofday()", syscall(SYS_gettimeofday, &v, NULL));
	expect_range(c, "gettimeofday()", v.tv_sec * 1000000LL + v.tv_usec - now, -1, LATE_US);
	expect_range(c, "time()", syscall(SYS_time, NULL) - now / 1000000, -1, CHECK_WAIT_S);
	expect_range(c, "CLOCK_BOOTTIME after CLOCK_MONOTONIC",
		     clock_us(CLOCK_BOOTTIME) - clock_us(CLOCK_MONOTONIC), -LATE_US, 1LL << 60);
	expect_range(c, "the processor time of this process", clock_us(CLOCK_PROCESS_CPUTIME_ID), 0,
		     60000000);
	expect_errno(c, "clock_gettime() of no clock", syscall(SYS_clock_gettime, 99, &t), EINVAL);
	struct timex timex = { 0 };

	expect_range(c, "adjtimex()", adjtimex(&timex), 0, TIME_ERROR);
	expect_range(c, "adjtimex()'s tick", timex.tick, 9000, 11000);
}

static void check_sleeps(struct check *c)
{
	struct timespec little = { .tv_nsec = 3000000 }, at = { 0 };
	long long before = clock_us(CLOCK_MONOTONIC);

	expect_ok(c, "nanosleep()", nanosleep(&little, NULL));
	expect_range(c, "the us of nanosleep() for 3 ms", clock_us(CLOCK_MONOTONIC) - before, 3000,
		     LATE_US);
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += at.tv_nsec >= 995000000;
	at.tv_nsec = (at.tv_nsec + 5000000) % 1000000000;
	expect_number(c, "clock_nanosleep()",
		      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0);
	expect_range(c, "the us after the time of clock_nanosleep()",
		     clock_us(CLOCK_MONOTONIC) - (at.tv_sec * 1000000LL + at.tv_nsec / 1000), 0,
		     LATE_US);
	little.tv_nsec = 1000000000;
	expect_errno(c, "nanosleep() of a wrong time", nanosleep(&little, NULL), EINVAL);
}

static void check_timerfd(struct check *c)
{
	struct itimerspec set = { .it_value.tv_nsec = 4000000, .it_interval.tv_nsec = 2000000 },
			  got;
	uint64_t count = 0;
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 && lacks_errno(c, "timerfd", errno))
		return;
	long long before = clock_us(CLOCK_MONOTONIC);

	expect_ok(c, "timerfd_settime()", timerfd_settime(fd, 0, &set, NULL));
	expect_ok(c, "timerfd_gettime()", timerfd_gettime(fd, &got));
	expect_number(c, "timerfd_gettime()'s interval", got.it_interval.tv_nsec, 2000000);
	expect_ready(c, "a timerfd", fd, POLLIN);
	long long after = clock_us(CLOCK_MONOTONIC) - before;

	expect_range(c, "the us of a timerfd for 4 ms", after, 4000, LATE_US);
	pause_ms(5);
	expect_number(c, "read() of a timerfd", read(fd, &count, sizeof(count)), sizeof(count));
	after = clock_us(CLOCK_MONOTONIC) - before;
	expect_range(c, "the expirations of a timerfd", (long long)count, 3,
		     1 + (after - 4000) / 2000);
	expect_ok(c, "timerfd_settime() to nothing",
		  timerfd_settime(fd, 0, &(struct itimerspec){ 0 }, &got));
	expect_errno(c, "read() of a stopped timerfd", read(fd, &count, sizeof(count)), EAGAIN);
}

/* Waits for a signal that is blocked; which one, or -1. */
static int wait_signal(const sigset_t *set, siginfo_t *ret)
{
	return sigtimedwait(set, ret, &(struct timespec){ .tv_sec = CHECK_WAIT_S });
}

static void check_timers(struct check *c)
{
	struct itimerval set = { .it_value.tv_usec = 3000 }, got = { 0 };
	struct itimerspec once = { .it_value.tv_nsec = 3000000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR2,
				  .sigev_value.sival_int = 4711 };
	siginfo_t info = { 0 };
	timer_t timer;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGALRM);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	long long before = clock_us(CLOCK_MONOTONIC);

	expect_ok(c, "setitimer()", setitimer(ITIMER_REAL, &set, NULL));
	expect_number(c, "the signal of setitimer()", wait_signal(&signals, &info), SIGALRM);
	expect_range(c, "the us of setitimer() for 3 ms", clock_us(CLOCK_MONOTONIC) - before, 3000,
		     LATE_US);
	expect_ok(c, "getitimer()", getitimer(ITIMER_REAL, &got));
	expect_number(c, "getitimer() after its end", got.it_value.tv_usec, 0);
	expect_ok(c, "timer_create()", timer_create(CLOCK_MONOTONIC, &event, &timer));
	before = clock_us(CLOCK_MONOTONIC);
	expect_ok(c, "timer_settime()", timer_settime(timer, 0, &once, NULL));
	expect_number(c, "the signal of timer_settime()", wait_signal(&signals, &info), SIGUSR2);
	expect_range(c, "the us of timer_settime() for 3 ms", clock_us(CLOCK_MONOTONIC) - before,
		     3000, LATE_US);
	expect_number(c, "the value of timer_settime()", info.si_value.sival_int, 4711);
	expect_number(c, "the code of timer_settime()", info.si_code, SI_TIMER);
	expect_number(c, "timer_getoverrun()", timer_getoverrun(timer), 0);
	expect_ok(c, "timer_delete()", timer_delete(timer));
	expect_number(c, "alarm()", alarm(100), 0);
	expect_range(c, "alarm() again", alarm(0), 99, 100);
}

void group_time(struct check *c)
{
	check_clocks(c);
	check_sleeps(c);
	check_timerfd(c);
	check_timers(c);
}
