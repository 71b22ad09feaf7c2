// SPDX-License-Identifier: GPL-2.0-or-later
/* A pseudo terminal: its line discipline, its settings, its signals. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "lab/exercise/check.h"

/* So many bytes, which may come in pieces. */
static void take_input(struct check *c, const char *what, int fd, char *ret, size_t expected)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < expected && expect_ready(c, what, fd, POLLIN)) {
		n = read(fd, ret + len, expected - len);
		len += (size_t)MAX(n, 0);
	}
	ret[len] = 0;
	expect_number(c, what, (long long)len, (long long)expected);
}

static void expect_input(struct check *c, const char *what, int fd, const char *expected)
{
	char got[128];

	take_input(c, what, fd, got, strlen(expected));
	expect_bytes(c, what, got, expected, strlen(expected));
}

/* The signal goes out before the echo: who gets it may answer before, between or after. */
static void expect_answer(struct check *c, int fd, const char *echo, const char *answer)
{
	static const char what[] = "the echo of ^C and an answer";
	char got[128];

	take_input(c, what, fd, got, strlen(echo) + strlen(answer));
	char *at = strstr(got, echo);

	if (!expect(c, at, "%s: no echo in it", what))
		return;
	memmove(at, at + strlen(echo), strlen(at + strlen(echo)) + 1);
	expect_text(c, what, got, answer);
}

static void check_line(struct check *c, int master, int slave)
{
	struct pollfd p = { .fd = slave, .events = POLLIN };
	struct termios t;
	int queued = -1;

	expect_number(c, "write() to a master", write(master, "hello", 5), 5);
	expect_input(c, "the echo of a terminal", master, "hello");
	expect_number(c, "poll() of an unfinished line", poll(&p, 1, 0), 0);
	expect_number(c, "write() to a master", write(master, "X\x7f\n", 3), 3);
	expect_input(c, "a line with an erased character", slave, "hello\n");
	expect_input(c, "the echo of erasing", master, "X\b \b\r\n");
	expect_number(c, "write() to a slave", write(slave, "out\n", 4), 4);
	expect_input(c, "a terminal's output", master, "out\r\n");
	expect_ok(c, "tcgetattr()", tcgetattr(slave, &t));
	expect(c, (t.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO),
	       "c_lflag is 0x%x: ICANON, ECHO expected", t.c_lflag);
	cfmakeraw(&t);
	cfsetspeed(&t, B19200);
	expect_ok(c, "tcsetattr()", tcsetattr(slave, TCSANOW, &t));
	expect_ok(c, "tcgetattr()", tcgetattr(slave, &t));
	expect_number(c, "cfgetospeed()", cfgetospeed(&t), B19200);
	expect_number(c, "write() to a raw master", write(master, "r\x7f\x03w", 4), 4);
	expect_ready(c, "a raw terminal", slave, POLLIN);
	expect_ok(c, "ioctl(FIONREAD)", ioctl(slave, FIONREAD, &queued));
	expect_number(c, "ioctl(FIONREAD) of a terminal", queued, 4);
	expect_input(c, "a raw terminal", slave, "r\x7f\x03w");
	p.fd = master;
	expect_number(c, "poll() for an echo of a raw terminal", poll(&p, 1, 0), 0);
}

static void check_settings(struct check *c, int master, int slave)
{
	struct winsize set = { .ws_row = 17, .ws_col = 93 }, got = { 0 };
	int fds[2] = { -1, -1 };

	expect_number(c, "isatty() of a terminal", isatty(slave), 1);
	expect_ok(c, "ioctl(TIOCSWINSZ)", ioctl(master, TIOCSWINSZ, &set));
	expect_ok(c, "ioctl(TIOCGWINSZ)", ioctl(slave, TIOCGWINSZ, &got));
	expect_number(c, "ws_row", got.ws_row, 17);
	expect_number(c, "ws_col", got.ws_col, 93);
	expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC));
	expect_errno(c, "ioctl(TIOCGWINSZ) of a pipe", ioctl(fds[0], TIOCGWINSZ, &got), ENOTTY);
	close(fds[0]);
	close(fds[1]);
}

/* A session of its own: ^C at its terminal, then the terminal goes. */
static void check_signals(struct check *c, int *master, const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct timespec limit = { .tv_sec = CHECK_WAIT_S };
		sigset_t set;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&set);
		sigaddset(&set, SIGINT);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		setsid();
		int fd = open(name, O_RDWR | O_CLOEXEC);

		close(*master);
		if (fd < 0 || (ioctl(fd, TIOCSCTTY, 0) < 0 && errno != EPERM) ||
		    tcgetpgrp(fd) != getpid() || write(fd, "ready\n", 6) != 6)
			_exit(1);
		if (sigtimedwait(&set, NULL, &limit) != SIGINT)
			_exit(2);
		if (write(fd, "again\n", 6) != 6 || sigtimedwait(&set, NULL, &limit) != SIGHUP)
			_exit(3);
		_exit(read(fd, &limit, 1) == 0 && write(fd, "x", 1) == -1 && errno == EIO ? 0 : 4);
	}
	expect_input(c, "what a session wrote", *master, "ready\r\n");
	expect_number(c, "write() of ^C", write(*master, "\x03", 1), 1);
	expect_answer(c, *master, "^C", "again\r\n");
	close(TAKE_FD(*master));
	expect_status(c, "a session at a terminal", pid, 0);
}

void group_tty(struct check *c)
{
	_cleanup_close_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64] = "", byte;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0) {
		lacks(c, "pseudo terminals");
		return;
	}
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	expect_ok(c, "open() of a terminal", slave);
	check_line(c, master, slave);
	check_settings(c, master, slave);
	close(slave);
	expect_errno(c, "read() of a master without slave", read(master, &byte, 1), EIO);
	close(TAKE_FD(master));
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master >= 0 && unlockpt(master) == 0 && ptsname_r(master, name, sizeof(name)) == 0)
		check_signals(c, &master, name);
}
