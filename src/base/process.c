/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"

/* The parent's ends of the child's pipes; -1 once closed or never made. */
struct pipes {
	int in, out, errout;
};

static void pipes_close(struct pipes *p)
{
	closep(&p->in);
	closep(&p->out);
	closep(&p->errout);
}

static void set_env(const char *const *env)
{
	for (; env && *env; env++)
		putenv((char *)*env);
}

/* Only async-signal-safe calls and what a single-threaded child may do; `report` tells the parent
 * errno. */
static void child_run(const struct process_options *o, pid_t parent, int in, int out, int errout,
		      int report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A parent that ended before the line above sends nothing any more. */
	if (getppid() != parent)
		_exit(127);
	if (null < 0 || dup2(in >= 0 ? in : null, 0) < 0 ||
	    (!o->keep_output && dup2(out >= 0 ? out : null, 1) < 0) ||
	    (errout >= 0 && dup2(errout, 2) < 0) || (o->cwd && chdir(o->cwd) < 0))
		goto fail;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	set_env(o->env);
	execvp(o->argv[0], (char *const *)o->argv);
fail:;
	int errnum = errno;
	if (write(report, &errnum, sizeof(errnum)) < 0)
		_exit(126);
	_exit(127);
}

static int make_pipe(bool wanted, int ends[2], struct error *err)
{
	ends[0] = ends[1] = -1;
	if (wanted && pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	return 0;
}

/* Forks and waits until exec worked or failed. */
static int spawn(const struct process_options *o, struct pipes *ret_pipes, pid_t *ret_pid,
		 struct error *err)
{
	bool merged = o->errout && o->errout == o->out;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errout[2] = { -1, -1 }, report[2];
	int r = make_pipe(o->input != NULL, in, err);

	if (r == 0)
		r = make_pipe(o->out != NULL, out, err);
	if (r == 0)
		r = make_pipe(o->errout && !merged, errout, err);
	if (r == 0)
		r = make_pipe(true, report, err);
	if (r < 0) {
		for (int i = 0; i < 2; i++) {
			closep(&in[i]);
			closep(&out[i]);
			closep(&errout[i]);
		}
		return r;
	}

	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		child_run(o, parent, in[0], out[1], merged ? out[1] : errout[1], report[1]);
	int fork_errno = errno, errnum = 0;
	closep(&in[0]);
	closep(&out[1]);
	closep(&errout[1]);
	closep(&report[1]);
	*ret_pipes = (struct pipes){ in[1], out[0], errout[0] };
	if (pid < 0) {
		closep(&report[0]);
		return error_set_errno(err, fork_errno, "fork");
	}
	ssize_t n;
	do {
		n = read(report[0], &errnum, sizeof(errnum));
	} while (n < 0 && errno == EINTR);
	closep(&report[0]);
	if (n == sizeof(errnum)) {
		waitpid(pid, NULL, 0);
		return error_set_errno(err, errnum, "cannot run %s", o->argv[0]);
	}
	*ret_pid = pid;
	return 0;
}

/* Moves what one pipe holds into a buffer; closes it at its end. */
static int drain(int *fd, struct buf *b)
{
	uint8_t block[16 * 1024];
	ssize_t n = read(*fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0) {
		close(TAKE_FD(*fd));
		return 0;
	}
	return buf_append(b, block, (size_t)n);
}

static void feed(struct pipes *p, const struct process_options *o, size_t *done)
{
	size_t want = MIN(o->input_len - *done, (size_t)4096);
	ssize_t n = want ? write(p->in, (const uint8_t *)o->input + *done, want) : 0;

	if (n > 0)
		*done += (size_t)n;
	if (*done == o->input_len || (n < 0 && errno != EINTR && errno != EAGAIN))
		close(TAKE_FD(p->in));
}

/* Feeds and drains the child until its pipes are closed and it has ended, or the limit is reached.
 */
static int communicate(const struct process_options *o, struct pipes *p, int pid_fd,
		       int64_t deadline, struct error *err)
{
	size_t done = 0;
	bool ended = false;

	while (!ended || p->out >= 0 || p->errout >= 0) {
		struct pollfd fds[] = { { .fd = p->in, .events = POLLOUT },
					{ .fd = p->out, .events = POLLIN },
					{ .fd = p->errout, .events = POLLIN },
					{ .fd = ended ? -1 : pid_fd, .events = POLLIN } };
		int64_t left = deadline ? deadline - clock_monotonic_ms() : -1;

		if (deadline && left <= 0)
			return error_set(err, ERR_TIMEOUT, "%s did not end within %d ms",
					 o->argv[0], o->timeout_ms);
		/* A grandchild may keep the pipes open: once the child has ended, read only what is
		 * there. */
		int n = poll(fds, ARRAY_SIZE(fds), ended ? 0 : (int)MIN(left, (int64_t)INT32_MAX));
		if (n < 0 && errno != EINTR)
			return error_set_errno(err, errno, "poll");
		if (n == 0 && ended)
			return 0;
		if (n <= 0)
			continue;
		int r = 0;
		if (fds[0].revents)
			feed(p, o, &done);
		if (fds[1].revents)
			r = drain(&p->out, o->out);
		if (fds[2].revents && r == 0)
			r = drain(&p->errout, o->errout);
		if (r == ERR_TOO_LARGE)
			return error_set(err, r, "%s printed too much", o->argv[0]);
		if (r < 0)
			return error_set(err, r, "cannot read from %s", o->argv[0]);
		if (fds[3].revents)
			ended = true;
	}
	return 0;
}

/* The last line with anything in it, for an error message. */
static const char *last_line(struct buf *b)
{
	if (!b || !b->data)
		return "";
	while (b->len > 0 && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == ' '))
		b->data[--b->len] = 0;
	const char *newline = memrchr(b->data, '\n', b->len);
	return newline ? newline + 1 : (const char *)b->data;
}

static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int process_run(const struct process_options *o, int *ret_status, struct error *err)
{
	_cleanup_(pipes_close) struct pipes p = { -1, -1, -1 };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	pid_t pid = 0;

	int r = spawn(o, &p, &pid, err);
	if (r < 0)
		return r;

	_cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int64_t deadline = o->timeout_ms ? clock_monotonic_ms() + o->timeout_ms : 0;
	sigaction(SIGPIPE, &ignore, &before);
	r = pid_fd < 0 ? error_set_errno(err, errno, "pidfd_open")
		       : communicate(o, &p, pid_fd, deadline, err);
	sigaction(SIGPIPE, &before, NULL);

	int wait_status = 0;
	if (r < 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	if (ret_status) {
		*ret_status = status_of(wait_status);
	} else if (wait_status != 0) {
		const char *why = last_line(o->errout);
		return error_set(err, ERR_CHILD, "%s ended with status %d%s%s", o->argv[0],
				 status_of(wait_status), *why ? ": " : "", why);
	}
	return 0;
}

int process_start(const char *const *argv, int out_fd, pid_t *ret_pid, struct error *err)
{
	struct process_options o = { .argv = argv, .keep_output = true };
	_cleanup_close_ int read_end = -1, write_end = -1;
	int report[2], errnum = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	read_end = report[0];
	write_end = report[1];
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		if (out_fd >= 0)
			dup2(out_fd, 1);
		child_run(&o, parent, -1, -1, out_fd, write_end);
	}
	if (pid < 0)
		return error_set_errno(err, errno, "fork");
	close(TAKE_FD(write_end));
	ssize_t n;
	do {
		n = read(read_end, &errnum, sizeof(errnum));
	} while (n < 0 && errno == EINTR);
	if (n == sizeof(errnum)) {
		waitpid(pid, NULL, 0);
		return error_set_errno(err, errnum, "cannot run %s", argv[0]);
	}
	*ret_pid = pid;
	return 0;
}

int process_stop(pid_t pid, int grace_ms)
{
	_cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fd = { .fd = pid_fd, .events = POLLIN };
	int wait_status = 0;

	kill(pid, SIGTERM);
	if (pid_fd < 0 || poll(&fd, 1, grace_ms) <= 0)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &wait_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status_of(wait_status);
}

char *process_find(const char *name)
{
	const char *paths = getenv("PATH");

	for (const char *p = paths ? paths : ""; *p;) {
		size_t len = strcspn(p, ":");
		char *path = NULL;

		if (len > 0 && asprintf(&path, "%.*s/%s", (int)len, p, name) >= 0 &&
		    access(path, X_OK) == 0)
			return path;
		free(path);
		p += len + (p[len] == ':');
	}
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Keeps nothing but `kept` (ascending): whatever happens to this process, no lock and no connection
 * of its parent's is held up by it. */
static void keep_only(const int *kept, size_t n)
{
	unsigned int low = 0;

	for (size_t i = 0; i < n; i++) {
		if ((unsigned int)kept[i] > low)
			close_range(low, (unsigned int)kept[i] - 1, 0);
		low = (unsigned int)kept[i] + 1;
	}
	close_range(low, ~0U, 0);
}

/* Ends as soon as the other end of the pipe is closed. Only calls that are safe after fork() in a
 * process with threads. */
static void end_with(int gate, const int *kept, size_t n)
{
	char byte;

	keep_only(kept, n);
	while (read(gate, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

void process_close_elsewhere(const int *fds, size_t n)
{
	int kept[PROCESS_CLOSE_MAX + 1], gate[2] = { -1, -1 };
	pid_t pid = -1;

	if (n == 0 || n > PROCESS_CLOSE_MAX)
		return;
	memcpy(kept, fds, n * sizeof(*fds));
	if (pipe2(gate, O_CLOEXEC) == 0) {
		kept[n] = gate[0];
		qsort(kept, n + 1, sizeof(*kept), by_number);
		pid = fork();
	}
	/* A grandchild is nobody's to wait for. */
	if (pid == 0 && fork() != 0)
		_exit(0);
	if (pid == 0)
		end_with(gate[0], kept, n + 1);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	closep(&gate[0]);
	closep(&gate[1]);
}
