// SPDX-License-Identifier: GPL-2.0-or-later
/* poll, select, epoll, and what is made to be waited for. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <time.h>

#include "lab/exercise/check.h"

static void check_poll(struct check *c, int in, int out)
{
	struct pollfd fds[] = { { .fd = in, .events = POLLIN },
				{ .fd = out, .events = POLLOUT },
				{ .fd = -1, .events = POLLIN },
				{ .fd = 1000, .events = POLLIN } };
	struct timespec none = { 0 }, little = { .tv_nsec = 3000000 };
	long long before = now_ms();
	char byte;

	expect_number(c, "poll() with a limit", poll(fds, 1, 4), 0);
	expect_range(c, "the ms of poll() for 4 ms", now_ms() - before, 3, CHECK_WAIT_MS);
	expect_number(c, "poll() of four", poll(fds, 4, 0), 2);
	expect_number(c, "poll()'s events of an empty pipe", fds[0].revents, 0);
	expect_number(c, "poll()'s events of a pipe with room", fds[1].revents, POLLOUT);
	expect_number(c, "poll()'s events of no descriptor", fds[3].revents, POLLNVAL);
	expect_number(c, "write()", write(out, "x", 1), 1);
	expect_number(c, "ppoll()", ppoll(fds, 2, &none, NULL), 2);
	expect_number(c, "ppoll()'s events of a pipe", fds[0].revents, POLLIN);
	expect_number(c, "read()", read(in, &byte, 1), 1);
	expect_number(c, "ppoll() with a limit", ppoll(fds, 1, &little, NULL), 0);
}

static void check_select(struct check *c, int in, int out)
{
	struct timeval little = { .tv_usec = 3000 };
	struct timespec none = { 0 };
	fd_set readers, writers;
	char byte;

	FD_ZERO(&readers);
	FD_ZERO(&writers);
	FD_SET(in, &readers);
	FD_SET(out, &writers);
	int most = MAX(in, out) + 1;

	expect_number(c, "select()", select(most, &readers, &writers, NULL, &little), 1);
	expect(c, !FD_ISSET(in, &readers) && FD_ISSET(out, &writers),
	       "select() gave the wrong descriptor: the one with room expected");
	FD_SET(in, &readers);
	little.tv_usec = 3000;
	long long before = now_ms();

	expect_number(c, "select() with a limit", select(most, &readers, NULL, NULL, &little), 0);
	expect_range(c, "the ms of select() for 3 ms", now_ms() - before, 1, CHECK_WAIT_MS);
	expect_number(c, "write()", write(out, "x", 1), 1);
	FD_SET(in, &readers);
	expect_number(c, "pselect()", pselect(most, &readers, NULL, NULL, &none, NULL), 1);
	expect(c, FD_ISSET(in, &readers),
	       "pselect() gave the wrong descriptor: the one with a byte expected");
	expect_number(c, "read()", read(in, &byte, 1), 1);
	expect_errno(c, "select() of too few", select(-1, NULL, NULL, NULL, &little), EINVAL);
}

static void check_epoll(struct check *c, int in, int out)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x123456789abcdef0 }, got[4];
	_cleanup_close_ int fd = epoll_create1(EPOLL_CLOEXEC);
	char byte;

	expect_ok(c, "epoll_create1()", fd);
	expect_ok(c, "epoll_ctl(EPOLL_CTL_ADD)", epoll_ctl(fd, EPOLL_CTL_ADD, in, &event));
	expect_errno(c, "epoll_ctl(EPOLL_CTL_ADD) again", epoll_ctl(fd, EPOLL_CTL_ADD, in, &event),
		     EEXIST);
	expect_number(c, "epoll_wait() of nothing", epoll_wait(fd, got, 4, 0), 0);
	expect_number(c, "write()", write(out, "x", 1), 1);
	expect_number(c, "epoll_wait()", epoll_wait(fd, got, 4, CHECK_WAIT_MS), 1);
	expect_number(c, "epoll_wait()'s events", got[0].events, EPOLLIN);
	expect(c, got[0].data.u64 == event.data.u64,
	       "epoll_wait()'s data differs: what was given expected");
	expect_number(c, "epoll_wait() by level", epoll_wait(fd, got, 4, 0), 1);
	event.events = EPOLLIN | EPOLLET;
	expect_ok(c, "epoll_ctl(EPOLL_CTL_MOD)", epoll_ctl(fd, EPOLL_CTL_MOD, in, &event));
	expect_number(c, "epoll_wait() by edge", epoll_wait(fd, got, 4, 0), 1);
	expect_number(c, "epoll_wait() by edge again", epoll_wait(fd, got, 4, 0), 0);
	event.events = EPOLLIN | EPOLLONESHOT;
	expect_ok(c, "epoll_ctl(EPOLL_CTL_MOD)", epoll_ctl(fd, EPOLL_CTL_MOD, in, &event));
	expect_number(c, "epoll_pwait() once", epoll_pwait(fd, got, 4, 0, NULL), 1);
	expect_number(c, "epoll_pwait() once again", epoll_pwait(fd, got, 4, 0, NULL), 0);
	expect_ok(c, "epoll_ctl(EPOLL_CTL_DEL)", epoll_ctl(fd, EPOLL_CTL_DEL, in, NULL));
	expect_errno(c, "epoll_ctl(EPOLL_CTL_DEL) again", epoll_ctl(fd, EPOLL_CTL_DEL, in, NULL),
		     ENOENT);
	expect_errno(c, "epoll_ctl() of itself", epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event), EINVAL);
	expect_number(c, "read()", read(in, &byte, 1), 1);
}

static void check_eventfd(struct check *c)
{
	_cleanup_close_ int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
	_cleanup_close_ int sem = eventfd(2, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
	uint64_t value = 40;

	if (fd < 0 && lacks_errno(c, "eventfd", errno))
		return;
	expect_number(c, "write() to an eventfd", write(fd, &value, 8), 8);
	expect_ready(c, "an eventfd", fd, POLLIN);
	expect_number(c, "read() of an eventfd", read(fd, &value, 8), 8);
	expect_number(c, "an eventfd's value", (long long)value, 43);
	expect_errno(c, "read() of an empty eventfd", read(fd, &value, 8), EAGAIN);
	expect_number(c, "read() of an eventfd that counts", read(sem, &value, 8), 8);
	expect_number(c, "the value of an eventfd that counts", (long long)value, 1);
	expect_number(c, "read() of an eventfd that counts", read(sem, &value, 8), 8);
	expect_errno(c, "read() of an eventfd at 0", read(sem, &value, 8), EAGAIN);
}

static void check_signalfd(struct check *c)
{
	struct signalfd_siginfo got = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	_cleanup_close_ int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	if (fd < 0 && lacks_errno(c, "signalfd", errno))
		return;
	expect_errno(c, "read() of a signalfd", read(fd, &got, sizeof(got)), EAGAIN);
	expect_ok(c, "kill()", kill(getpid(), SIGUSR1));
	expect_ready(c, "a signalfd", fd, POLLIN);
	expect_number(c, "read() of a signalfd", read(fd, &got, sizeof(got)), sizeof(got));
	expect_number(c, "a signalfd's signal", got.ssi_signo, SIGUSR1);
	expect_number(c, "a signalfd's pid", got.ssi_pid, getpid());
	expect_errno(c, "read() of a signalfd again", read(fd, &got, sizeof(got)), EAGAIN);
}

void group_poll(struct check *c)
{
	int fds[2] = { -1, -1 };
	struct pollfd end = { .events = POLLIN };

	if (!expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC)))
		return;
	check_poll(c, fds[0], fds[1]);
	check_select(c, fds[0], fds[1]);
	check_epoll(c, fds[0], fds[1]);
	close(fds[1]);
	end.fd = fds[0];
	expect_number(c, "poll() of a pipe at its end", poll(&end, 1, CHECK_WAIT_MS), 1);
	expect_number(c, "poll()'s events of a pipe at its end", end.revents, POLLHUP);
	close(fds[0]);
	check_eventfd(c);
	check_signalfd(c);
}
