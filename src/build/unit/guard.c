/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/guard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/file.h"

#define CHILDREN_MAX (64 * 1024)

struct result {
	int code;
	struct error err;
};

static _Noreturn void run_child(guard_fn work, void *user, pid_t parent, const sigset_t *before,
				int fd)
{
	struct result result = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigprocmask(SIG_SETMASK, before, NULL);
	result.code = work(user, &result.err);
	fflush(NULL);
	if (file_write_fd(fd, &result, sizeof(result), NULL) < 0)
		_exit(1);
	_exit(0);
}

/* Kills what is left. The children of those that die become ours (PR_SET_CHILD_SUBREAPER). */
static void kill_all(void)
{
	for (;;) {
		_cleanup_buf_ struct buf list = BUF_INIT(CHILDREN_MAX);
		bool any = false;

		if (file_read("/proc/thread-self/children", &list, NULL) < 0)
			return;
		for (const char *p = buf_str(&list); *p; p += strspn(p, " ")) {
			pid_t pid = (pid_t)strtol(p, NULL, 10);

			if (pid <= 0)
				break;
			any = true;
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			p += strcspn(p, " ");
		}
		if (!any)
			return;
	}
}

/* Waits until the child has ended (0) or a signal came (its number). */
static int wait_child(pid_t child, const sigset_t *watched, int *ret_status)
{
	for (;;) {
		int status, signal_number;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == child) {
			*ret_status = status;
			return 0;
		}
		if (pid > 0)
			continue;
		signal_number = sigwaitinfo(watched, NULL);
		if (signal_number > 0 && signal_number != SIGCHLD)
			return signal_number;
	}
}

static int read_result(int fd, int status, struct error *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(sizeof(struct result));
	struct result result;

	if (!WIFEXITED(status) || file_read_fd(fd, &bytes, NULL) < 0 || bytes.len != sizeof(result))
		return error_set(err, ERR_CHILD, "the work was killed%s%s",
				 WIFSIGNALED(status) ? ": " : "",
				 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
	memcpy(&result, bytes.data, sizeof(result));
	if (result.code < 0 && err)
		*err = result.err;
	return result.code;
}

static void die_of(int signal_number)
{
	sigset_t one;

	signal(signal_number, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

int guard_run(guard_fn work, guard_fn clean, void *user, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD };
	sigset_t watched, before;
	int ends[2], status = 0, signal_number, r;
	pid_t parent = getpid(), child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");

	_cleanup_close_ int out = ends[0], in = ends[1];

	sigemptyset(&watched);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&watched, signals[i]);
	sigprocmask(SIG_BLOCK, &watched, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	child = fork();
	if (child == 0)
		run_child(work, user, parent, &before, in);
	if (child < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return error_set_errno(err, errno, "fork");
	}
	closep(&in);
	signal_number = wait_child(child, &watched, &status);
	if (signal_number == 0 && WIFEXITED(status)) {
		r = read_result(out, status, err);
	} else {
		kill_all();
		(void)clean(user, NULL);
		if (signal_number)
			die_of(signal_number);
		r = read_result(out, status, err);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
