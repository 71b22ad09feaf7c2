// SPDX-License-Identifier: GPL-2.0-or-later
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lab/exercise/exercise.h"

#define END_STEPS 10000 /* of 1 ms */

static void stop_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
}

void hold_prepare(void)
{
	sigset_t set;

	stop_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

pid_t children_fork(struct children *all)
{
	if (all->n == all->max) {
		size_t max = all->max ? 2 * all->max : 64;
		pid_t *pids = reallocarray(all->pids, max, sizeof(*pids));

		if (!pids)
			return -ENOMEM;
		all->pids = pids;
		all->max = max;
	}
	fflush(stdout);
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0) {
		all->pids[all->n++] = pid;
		return pid;
	}
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

void children_end(struct children *all)
{
	for (size_t i = 0; i < all->n; i++)
		kill(all->pids[i], SIGKILL);
	for (size_t i = 0, steps = 0; i < all->n; i++)
		while (waitpid(all->pids[i], NULL, WNOHANG) == 0 && steps++ < END_STEPS)
			pause_ms(1);
	free(all->pids);
	*all = (struct children){ 0 };
}

/* Whether the end of standard input means something. */
static bool input_counts(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return false;
	return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO);
}

/* Takes what has come; whether it was the end. */
static bool input_ended(void)
{
	char dropped[512];
	ssize_t n = read(STDIN_FILENO, dropped, sizeof(dropped));

	return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

bool hold(long long limit_ms, bool with_input)
{
	long long limit = limit_ms ? now_ms() + limit_ms : 0;
	sigset_t set;

	stop_signals(&set);
	_cleanup_close_ int signals = signalfd(-1, &set, SFD_CLOEXEC);
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = with_input && input_counts() ? STDIN_FILENO : -1, .events = POLLIN },
	};

	for (;;) {
		long long left = limit ? MAX(limit - now_ms(), 0) : 1000;
		int n = poll(fds, ARRAY_SIZE(fds), (int)MIN(left, 1000));

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && fds[0].revents)
			return false;
		if (n > 0 && fds[1].revents && input_ended())
			return false;
		if (limit && now_ms() >= limit)
			return true;
	}
}
