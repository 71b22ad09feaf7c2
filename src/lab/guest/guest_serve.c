// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/guest_serve.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "lab/guest/frame.h"

#define CHUNK         16384
#define IDLE_MS       1000 /* fallback when a signal of the virtio port was missed */
#define PARTIAL_MS    2000 /* half a frame that stays half this long is forgotten */
#define CHILD_PENDING (1024 * 1024)

enum mode { IDLE, RUNNING, PUTTING };

struct child {
	pid_t pid;
	int in, out, errout; /* our ends of its pipes; -1: closed */
	struct buf pending;  /* standard input not yet taken */
	bool in_ended;
	bool exited, timed_out;
	int status;
	int64_t deadline_ms; /* 0: none */
};

struct upload {
	int fd;
	int error; /* errno of the first failure; the rest is swallowed */
	char path[FRAME_PATH_MAX + 1], temporary[FRAME_PATH_MAX + 16];
};

struct serve {
	const struct guest_channel *channel;
	enum mode mode;
	bool lost; /* the host went away: drop everything */
	bool power_off;
	struct child child;
	struct upload upload;
	struct frame_reader in;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sends one frame, waiting for the line as long as the host is there. */
static void say(struct serve *s, enum frame_type type, const void *payload, size_t len)
{
	_cleanup_buf_ struct buf out = BUF_INIT(FRAME_HEADER_LEN + FRAME_PAYLOAD_MAX);

	if (s->lost || frame_append(&out, type, payload, len) < 0)
		return;
	for (size_t done = 0; done < out.len;) {
		struct pollfd p = { .fd = s->channel->fd, .events = POLLOUT };
		ssize_t n = write(p.fd, out.data + done, out.len - done);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			s->lost = true;
		if (poll(&p, 1, IDLE_MS) > 0 && (p.revents & (POLLHUP | POLLERR)))
			s->lost = true;
		if (s->lost)
			return;
	}
}

static void say_u32(struct serve *s, enum frame_type type, uint32_t a, uint32_t b, bool two)
{
	_cleanup_buf_ struct buf payload = BUF_INIT(8);

	if (frame_append_u32(&payload, a) == 0 && (!two || frame_append_u32(&payload, b) == 0))
		say(s, type, payload.data, payload.len);
}

static void say_fail(struct serve *s, int errnum, const char *what)
{
	_cleanup_buf_ struct buf payload = BUF_INIT(2048);

	if (frame_append_u32(&payload, (uint32_t)errnum) == 0 &&
	    buf_printf(&payload, "%.1024s: %s", what, strerror(errnum)) == 0)
		say(s, FRAME_FAIL, payload.data, payload.len);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Ends whatever is going on. */
static void drop_work(struct serve *s)
{
	if (s->mode == RUNNING && !s->child.exited)
		kill(-s->child.pid, SIGKILL);
	if (s->mode == PUTTING) {
		close_fd(&s->upload.fd);
		unlink(s->upload.temporary);
	}
	close_fd(&s->child.in);
	close_fd(&s->child.out);
	close_fd(&s->child.errout);
	buf_free(&s->child.pending);
	s->mode = IDLE;
}

/* In the new process: gets its descriptors in place and becomes the program. */
static void child_exec(char **argv, int in, int out, int errout, int report)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(errout, 2) >= 0)
		execvp(argv[0], argv);
	int errnum = errno;

	_exit(write(report, &errnum, sizeof(errnum)) < 0 ? 126 : 127);
}

/* Forks and waits until the program runs; 0, or the errno of execve. */
static int spawn(char **argv, int in, int out, int errout, pid_t *ret_pid)
{
	int report[2], errnum = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return errno;
	pid_t pid = fork();

	if (pid < 0)
		errnum = errno;
	if (pid == 0)
		child_exec(argv, in, out, errout, report[1]);
	close(report[1]);
	if (pid > 0 && read(report[0], &errnum, sizeof(errnum)) != sizeof(errnum))
		errnum = 0;
	close(report[0]);
	if (pid > 0 && errnum != 0)
		waitpid(pid, NULL, 0);
	*ret_pid = pid;
	return errnum;
}

static int run_background(char **argv)
{
	const char *name = path_base(argv[0]);
	char log[PATH_MAX];
	pid_t pid;

	snprintf(log, sizeof(log), "/var/log/%s.log", name);
	_cleanup_close_ int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (in < 0 || out < 0)
		return errno;
	return spawn(argv, in, out, out, &pid);
}

static int run_foreground(struct serve *s, char **argv)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errout[2] = { -1, -1 };
	struct child *c = &s->child;
	int errnum = 0;

	*c = (struct child){
		.pending = BUF_INIT(CHILD_PENDING), .in = -1, .out = -1, .errout = -1
	};
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(errout, O_CLOEXEC) < 0)
		errnum = errno;
	else
		errnum = spawn(argv, in[0], out[1], errout[1], &c->pid);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&errout[1]);
	c->in = in[1];
	c->out = out[0];
	c->errout = errout[0];
	if (errnum != 0) {
		drop_work(s);
		return errnum;
	}
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	fcntl(c->errout, F_SETFL, O_NONBLOCK);
	s->mode = RUNNING;
	return 0;
}

static void on_run(struct serve *s, const struct frame *frame)
{
	struct frame_run run;
	char name[FRAME_PATH_MAX + 1];

	if (frame_decode_run(frame, &run) < 0) {
		say_fail(s, EPROTO, "run");
		return;
	}
	snprintf(name, sizeof(name), "%s", run.argv[0]);
	bool background = run.flags & FRAME_RUN_BACKGROUND;
	int errnum = background ? run_background(run.argv) : run_foreground(s, run.argv);

	if (errnum != 0)
		say_fail(s, errnum, name);
	else if (background)
		say_u32(s, FRAME_EXIT, 0, 0, true);
	else
		s->child.deadline_ms = run.timeout_ms ? now_ms() + run.timeout_ms : 0;
}

static void make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
}

static void on_put(struct serve *s, const struct frame *frame)
{
	struct upload *u = &s->upload;

	*u = (struct upload){ .fd = -1 };
	if (frame_decode_path(frame, 4, u->path) < 0) {
		say_fail(s, EPROTO, "put");
		return;
	}
	make_parents(u->path);
	snprintf(u->temporary, sizeof(u->temporary), "%s.part", u->path);
	u->fd = open(u->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (u->fd < 0 || fchmod(u->fd, frame_u32(frame->payload) & 07777) < 0)
		u->error = errno;
	s->mode = PUTTING;
}

static void end_upload(struct serve *s)
{
	struct upload *u = &s->upload;

	close_fd(&u->fd);
	if (u->error == 0 && rename(u->temporary, u->path) < 0)
		u->error = errno;
	if (u->error != 0) {
		unlink(u->temporary);
		say_fail(s, u->error, u->path);
	} else {
		say(s, FRAME_OK, NULL, 0);
	}
	s->mode = IDLE;
}

static void on_data(struct serve *s, const struct frame *frame)
{
	struct child *c = &s->child;

	if (s->mode == PUTTING) {
		struct upload *u = &s->upload;

		if (frame->len == 0) {
			end_upload(s);
			return;
		}
		if (u->error == 0 && file_write_fd(u->fd, frame->payload, frame->len, NULL) < 0)
			u->error = errno ? errno : EIO;
		say_u32(s, FRAME_ACK, (uint32_t)frame->len, 0, false);
	} else if (s->mode == RUNNING) {
		if (frame->len == 0)
			c->in_ended = true;
		else if (c->in < 0)
			say_u32(s, FRAME_ACK, (uint32_t)frame->len, 0, false);
		else if (buf_append(&c->pending, frame->payload, frame->len) < 0)
			drop_work(s); /* the host went over its window */
		if (c->in_ended && c->pending.len == 0)
			close_fd(&c->in);
	}
}

static void on_get(struct serve *s, const struct frame *frame)
{
	char path[FRAME_PATH_MAX + 1];
	static uint8_t chunk[CHUNK];

	if (frame_decode_path(frame, 8, path) < 0) {
		say_fail(s, EPROTO, "get");
		return;
	}
	uint64_t left = frame_u64(frame->payload);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		say_fail(s, errno, path);
		return;
	}
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 || (uint64_t)n > left) {
			say_fail(s, n < 0 ? errno : EFBIG, path);
			return;
		}
		if (n == 0 || s->lost)
			break;
		left -= (uint64_t)n;
		say(s, FRAME_DATA, chunk, (size_t)n);
	}
	say(s, FRAME_OK, NULL, 0);
}

static void on_hello(struct serve *s, const struct frame *frame)
{
	_cleanup_buf_ struct buf payload = BUF_INIT(2048);

	drop_work(s);
	if (frame->len == FRAME_NONCE_LEN &&
	    buf_append(&payload, frame->payload, frame->len) == 0 &&
	    frame_append_u32(&payload, FRAME_VERSION) == 0 &&
	    frame_append_u32(&payload, s->channel->window) == 0 &&
	    buf_append_str(&payload, s->channel->problems) == 0)
		say(s, FRAME_HELLO, payload.data, payload.len);
}

static void on_frame(struct serve *s, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_HELLO: on_hello(s, frame); break;
	case FRAME_DATA: on_data(s, frame); break;
	case FRAME_POWER_OFF:
		drop_work(s);
		say(s, FRAME_OK, NULL, 0);
		s->power_off = true;
		break;
	case FRAME_RUN:
	case FRAME_PUT:
	case FRAME_GET:
		drop_work(s);
		(frame->type == FRAME_RUN   ? on_run
		 : frame->type == FRAME_PUT ? on_put
					    : on_get)(s, frame);
		break;
	default: break; /* frames that only a guest sends */
	}
}

/* False when there was nothing to read. */
static bool read_channel(struct serve *s)
{
	struct frame frame;
	uint8_t *space;
	size_t room = frame_reader_space(&s->in, &space);
	ssize_t n = read(s->channel->fd, space, room);

	if (n <= 0)
		return false;
	frame_reader_added(&s->in, (size_t)n);
	while (!s->power_off && frame_reader_next(&s->in, &frame))
		on_frame(s, &frame);
	return true;
}

static void reap(struct serve *s)
{
	struct signalfd_siginfo info;
	int status;

	while (read(s->channel->signal_fd, &info, sizeof(info)) == sizeof(info))
		;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (s->mode != RUNNING || pid != s->child.pid)
			continue;
		s->child.exited = true;
		s->child.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

/* Passes on what a pipe holds; true if there was something. */
static bool pass_output(struct serve *s, int *fd, enum frame_type type)
{
	static uint8_t chunk[CHUNK];

	if (*fd < 0)
		return false;
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n > 0)
		say(s, type, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return n > 0;
}

static void pass_input(struct serve *s)
{
	struct child *c = &s->child;
	size_t taken = c->pending.len;
	ssize_t n = write(c->in, c->pending.data, c->pending.len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		close_fd(&c->in);
	} else {
		taken = (size_t)n;
		memmove(c->pending.data, c->pending.data + taken, c->pending.len - taken);
	}
	c->pending.len -= taken;
	say_u32(s, FRAME_ACK, (uint32_t)taken, 0, false);
	if (c->pending.len == 0 && c->in_ended)
		close_fd(&c->in);
}

/* The child is gone: what it wrote is passed on, what its own children still hold open is not
 * waited for. */
static void finish_child(struct serve *s)
{
	struct child *c = &s->child;

	while (!s->lost && pass_output(s, &c->out, FRAME_OUT))
		;
	while (!s->lost && pass_output(s, &c->errout, FRAME_ERROUT))
		;
	say_u32(s, FRAME_EXIT, (uint32_t)c->status, c->timed_out, true);
	drop_work(s);
}

static void serve_child(struct serve *s, const struct pollfd *p)
{
	struct child *c = &s->child;

	if (p[0].revents)
		pass_output(s, &c->out, FRAME_OUT);
	if (p[1].revents)
		pass_output(s, &c->errout, FRAME_ERROUT);
	if (p[2].revents && c->in >= 0 && c->pending.len > 0)
		pass_input(s);
	if (c->deadline_ms && !c->timed_out && now_ms() >= c->deadline_ms) {
		c->timed_out = true;
		kill(-c->pid, SIGKILL);
	}
	if (c->exited)
		finish_child(s);
}

static int wait_ms(const struct serve *s)
{
	if (s->mode == RUNNING && s->child.deadline_ms && !s->child.timed_out) {
		int64_t left = s->child.deadline_ms - now_ms();

		return (int)MAX(MIN(left, (int64_t)60000), (int64_t)0);
	}
	return frame_reader_is_partial(&s->in) ? PARTIAL_MS : -1;
}

static void serve_once(struct serve *s)
{
	struct child *c = &s->child;
	bool running = s->mode == RUNNING;
	struct pollfd p[] = {
		{ .fd = s->channel->fd, .events = POLLIN },
		{ .fd = s->channel->signal_fd, .events = POLLIN },
		{ .fd = running ? c->out : -1, .events = POLLIN },
		{ .fd = running ? c->errout : -1, .events = POLLIN },
		{ .fd = running && c->pending.len > 0 ? c->in : -1, .events = POLLOUT },
	};
	int n = poll(p, ARRAY_SIZE(p), wait_ms(s));

	if (n == 0 && frame_reader_is_partial(&s->in))
		frame_reader_reset(&s->in);
	if (n > 0 && p[1].revents)
		reap(s);
	/* A port without a host says POLLIN and POLLHUP, and has nothing to read. */
	if (n > 0 && p[0].revents && !read_channel(s) && (p[0].revents & (POLLHUP | POLLERR)))
		s->lost = true;
	if (running && s->mode == RUNNING && c->pid == s->child.pid)
		serve_child(s, p + 2);
}

/* Nobody is at the other end: waits for the signal with which the port announces a change. */
static void wait_for_host(struct serve *s)
{
	struct pollfd p = { .fd = s->channel->signal_fd, .events = POLLIN };

	drop_work(s);
	frame_reader_reset(&s->in);
	poll(&p, 1, IDLE_MS);
	reap(s);
	p = (struct pollfd){ .fd = s->channel->fd, .events = POLLIN };
	if (poll(&p, 1, 0) == 0 || !(p.revents & (POLLHUP | POLLERR)))
		s->lost = false;
}

void guest_serve(const struct guest_channel *channel)
{
	static struct serve s; /* too large for the stack */

	s.channel = channel;
	s.child = (struct child){ .in = -1, .out = -1, .errout = -1 };
	s.upload.fd = -1;
	while (!s.power_off) {
		if (s.lost)
			wait_for_host(&s);
		else
			serve_once(&s);
	}
}
