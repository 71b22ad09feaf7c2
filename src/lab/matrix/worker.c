// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/worker.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"

#define GRACE_MS  (10 * 1000)
/* All lines of one worker together. */
#define TOTAL_MAX (64 * 1024 * 1024)
#define SAID_MAX  256

struct worker_out {
	int fd;
};

struct worker {
	pid_t pid; /* 0: a free place */
	int pid_fd, fd;
	void *tag;
	struct buf line;
	size_t total;
	json_t *answer;
	int64_t start, deadline; /* deadline 0: none */
	enum worker_how how;     /* WORKER_ANSWERED until something went wrong */
	int kills;               /* 1: SIGTERM was sent, 2: SIGKILL */
	char *runtime;
};

struct worker_pool {
	void (*said)(void *user, void *tag, const char *text);
	void *user;
	struct worker workers[WORKERS_MAX];
	int signal_fd;
	int signal;
	bool ending, keep_output;
	int subreaper; /* what PR_SET_CHILD_SUBREAPER was before */
	sigset_t before;
};

static void write_line(struct worker_out *out, json_t *line)
{
	_cleanup_buf_ struct buf text = BUF_INIT(WORKER_LINE_MAX);

	if (!line || json_append(line, &text) < 0 || buf_append_byte(&text, '\n') < 0 ||
	    file_write_fd(out->fd, text.data, text.len, NULL) < 0)
		_exit(1);
}

void worker_say(struct worker_out *out, const char *text)
{
	_cleanup_json_ json_t *line = json_pack("{s:s}", "say", text);

	write_line(out, line);
}

void worker_answer(struct worker_out *out, json_t *value)
{
	_cleanup_json_ json_t *line = json_pack("{s:O}", "answer", value);

	write_line(out, line);
}

void worker_answer_error(struct worker_out *out, int r, const struct error *err)
{
	_cleanup_json_ json_t *value =
		json_pack("{s:i, s:s, s:s}", "code", r, "message",
			  err->message[0] ? err->message : error_code_name(r), "hint", err->hint);

	if (!value)
		_exit(1);
	worker_answer(out, value);
}

int worker_take_error(const json_t *answer, struct error *err)
{
	const char *message, *hint;
	int64_t code;

	if (!json_object_get(answer, "code"))
		return 0;

	int r = json_get_int(answer, "code", INT32_MIN, -1, &code, err);

	if (r == 0)
		r = json_get_str(answer, "message", ERROR_MESSAGE_MAX, &message, err);
	if (r == 0)
		r = json_get_str(answer, "hint", ERROR_HINT_MAX, &hint, err);
	if (r < 0)
		return r;
	error_set(err, (int)code, "%s", message);
	if (*hint)
		error_hint(err, "%s", hint);
	return (int)code;
}

/* But for those that whoever started us wants to be ignored (nohup, a script's background job). */
static void hold_signals(sigset_t *ret)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction now;

	sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(ret, signals[i]);
}

int worker_pool_new(void (*said)(void *user, void *tag, const char *text), void *user,
		    struct worker_pool **ret, struct error *err)
{
	_cleanup_free_ struct worker_pool *pool = calloc(1, sizeof(*pool));
	sigset_t held;

	if (!pool)
		return error_set(err, ERR_NO_MEMORY, "workers");
	hold_signals(&held);
	pool->said = said;
	pool->user = user;
	pool->signal_fd = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
	if (pool->signal_fd < 0)
		return error_set_errno(err, errno, "signalfd");
	sigprocmask(SIG_BLOCK, &held, &pool->before);
	/* What a worker leaves behind becomes our child, and is waited for. */
	prctl(PR_GET_CHILD_SUBREAPER, &pool->subreaper);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	*ret = TAKE_PTR(pool);
	return 0;
}

void worker_pool_keep_output(struct worker_pool *pool)
{
	pool->keep_output = true;
}

/* The child's world: no terminal's signals, no input, and, unless it is kept, no output but the
 * pipe. */
static void enter_child(const struct worker_pool *pool, pid_t parent, const char *runtime)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A parent that ended before the line above sends nothing any more. */
	if (getppid() != parent || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    (!pool->keep_output && dup2(null, STDOUT_FILENO) < 0) ||
	    (runtime && setenv("XDG_RUNTIME_DIR", runtime, 1) < 0))
		_exit(1);
	sigprocmask(SIG_SETMASK, &pool->before, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static int make_runtime(const char *above, char **ret, struct error *err)
{
	_cleanup_free_ char *path = above ? path_join(above, "w-XXXXXX", NULL) : NULL;

	if (!above)
		return 0;
	if (!path || !mkdtemp(path))
		return error_set_errno(err, errno, "a worker's folder in %s", above);
	*ret = TAKE_PTR(path);
	return 0;
}

static void drop_runtime(struct worker *w)
{
	if (w->runtime)
		file_remove_tree(w->runtime, NULL);
	free(TAKE_PTR(w->runtime));
}

static struct worker *free_place(struct worker_pool *pool)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (!pool->workers[i].pid)
			return &pool->workers[i];
	return NULL;
}

/* Frees what a worker leaves; its process has ended or never was. */
static void clear(struct worker *w)
{
	closep(&w->fd);
	closep(&w->pid_fd);
	buf_free(&w->line);
	json_decref(w->answer);
	drop_runtime(w);
	*w = (struct worker){ 0 };
}

static int begin(struct worker_pool *pool, struct worker *w, worker_fn fn, void *user,
		 struct error *err)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	fflush(NULL);
	w->fd = ends[0];
	w->pid = fork();
	if (w->pid == 0) {
		struct worker_out out = { .fd = ends[1] };

		enter_child(pool, parent, w->runtime);
		fn(user, &out);
		_exit(0);
	}
	int errnum = errno;

	close(ends[1]);
	if (w->pid < 0)
		return error_set_errno(err, errnum, "fork");
	setpgid(w->pid, w->pid);
	w->pid_fd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	if (w->pid_fd < 0) {
		errnum = errno;
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		return error_set_errno(err, errnum, "pidfd_open");
	}
	return 0;
}

int worker_start(struct worker_pool *pool, worker_fn fn, void *user, void *tag, const char *runtime,
		 int timeout_ms, struct error *err)
{
	struct worker *w = free_place(pool);

	if (!w)
		return error_set(err, ERR_TOO_LARGE, "%d workers are at work", WORKERS_MAX);
	*w = (struct worker){ .fd = -1,
			      .pid_fd = -1,
			      .tag = tag,
			      .line = BUF_INIT(WORKER_LINE_MAX),
			      .start = clock_monotonic_ms() };
	w->deadline = timeout_ms ? w->start + timeout_ms : 0;

	int r = make_runtime(runtime, &w->runtime, err);

	if (r == 0)
		r = begin(pool, w, fn, user, err);
	if (r < 0)
		clear(w);
	return r;
}

size_t worker_count(const struct worker_pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < WORKERS_MAX; i++)
		n += pool->workers[i].pid != 0;
	return n;
}

int worker_signal(const struct worker_pool *pool)
{
	return pool->signal;
}

/* SIGTERM first; the next time SIGKILL, to all of its process group. */
static void end_worker(struct worker *w)
{
	if (w->kills == 0)
		kill(w->pid, SIGTERM);
	else
		kill(-w->pid, SIGKILL);
	w->kills++;
	w->deadline = clock_monotonic_ms() + GRACE_MS;
}

static void break_off(struct worker *w)
{
	if (w->how != WORKER_ANSWERED)
		return;
	w->how = WORKER_BROKE_OFF;
	closep(&w->fd);
	w->fd = -1;
	end_worker(w);
}

/* One line; false if it is none. */
static bool take_line(struct worker_pool *pool, struct worker *w, const uint8_t *text, size_t len)
{
	_cleanup_json_ json_t *line = NULL;
	const char *said = NULL;
	char clean[SAID_MAX];

	if (w->answer || json_parse(text, len, &line, NULL) < 0 || !json_is_object(line))
		return false;
	w->answer = json_incref(json_object_get(line, "answer"));
	if (w->answer)
		return true;
	if (json_get_str(line, "say", WORKER_LINE_MAX, &said, NULL) < 0)
		return false;
	snprintf(clean, sizeof(clean), "%s", said);
	error_clean_text(clean);
	if (pool->said)
		pool->said(pool->user, w->tag, clean);
	return true;
}

/* Takes the whole lines out of the buffer. */
static void take_lines(struct worker_pool *pool, struct worker *w)
{
	uint8_t *end;
	size_t done = 0;

	while (done < w->line.len &&
	       (end = memchr(w->line.data + done, '\n', w->line.len - done)) != NULL) {
		size_t len = (size_t)(end - w->line.data) - done;

		if (!take_line(pool, w, w->line.data + done, len)) {
			break_off(w);
			return;
		}
		done += len + 1;
	}
	if (done > 0) {
		memmove(w->line.data, w->line.data + done, w->line.len - done);
		w->line.len -= done;
	}
}

/* False at the end of what is there. */
static bool read_some(struct worker_pool *pool, struct worker *w)
{
	uint8_t block[64 * 1024];
	ssize_t n = read(w->fd, block, sizeof(block));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	w->total += (size_t)n;
	if (w->total > TOTAL_MAX || buf_append(&w->line, block, (size_t)n) < 0)
		break_off(w);
	else
		take_lines(pool, w);
	return w->fd >= 0;
}

static int64_t cpu_ms(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
	       (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
}

static void describe_end(const struct worker *w, int status, struct worker_end *ret)
{
	if (w->how == WORKER_TOO_LONG)
		snprintf(ret->message, sizeof(ret->message), "not done after %lld s",
			 (long long)(ret->ms / 1000));
	else if (w->how == WORKER_BROKE_OFF)
		snprintf(ret->message, sizeof(ret->message), "the worker said what makes no sense");
	else if (WIFSIGNALED(status))
		snprintf(ret->message, sizeof(ret->message), "the worker was ended by signal %d",
			 WTERMSIG(status));
	else
		snprintf(ret->message, sizeof(ret->message), "the worker ended with status %d",
			 WEXITSTATUS(status));
}

static bool is_worker(const struct worker_pool *pool, pid_t pid)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (pool->workers[i].pid == pid)
			return true;
	return false;
}

/* Ends a child of ours that is no worker: one whose parent has ended. False if there is none. */
static bool end_one_left(const struct worker_pool *pool)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 * 1024);
	char path[64], *rest = NULL;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if (file_read(path, &text, NULL) < 0 || text.len == 0)
		return false;
	rest = (char *)text.data;
	rest[text.len - 1] = '\0';
	while (rest) {
		pid_t pid = (pid_t)strtol(strsep(&rest, " "), NULL, 10);

		if (pid <= 0 || is_worker(pool, pid))
			continue;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return true;
	}
	return false;
}

/* Waits for the worker, which has ended; and ends what it started and left (QEMU, compilers, each
 * in a process group of its own), and what these leave, until all is gone: their files go next. */
static void end_all_of(const struct worker_pool *pool, pid_t pid, struct rusage *ret_usage,
		       int *ret_status)
{
	while (wait4(pid, ret_status, 0, ret_usage) < 0 && errno == EINTR)
		;
	while (end_one_left(pool))
		;
}

/* The process has ended: what it said last, how it ended. */
static void reap(struct worker_pool *pool, struct worker *w, struct worker_end *ret)
{
	struct rusage usage = { 0 };
	int status = 0;

	if (w->fd >= 0 && fcntl(w->fd, F_SETFL, O_NONBLOCK) == 0)
		while (read_some(pool, w))
			;
	end_all_of(pool, w->pid, &usage, &status);
	*ret = (struct worker_end){ .tag = w->tag,
				    .how = w->how,
				    .ms = clock_monotonic_ms() - w->start,
				    .cpu_ms = cpu_ms(&usage) };
	if (w->how == WORKER_ANSWERED && w->answer && status == 0)
		ret->answer = TAKE_PTR(w->answer);
	else if (w->how == WORKER_ANSWERED)
		ret->how = WORKER_CRASHED;
	if (ret->how != WORKER_ANSWERED)
		describe_end(w, status, ret);
	clear(w);
}

static void look_at_clock(struct worker_pool *pool, int *ret_wait)
{
	int64_t now = clock_monotonic_ms(), least = INT_MAX;

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *w = &pool->workers[i];

		if (!w->pid || !w->deadline)
			continue;
		if (w->deadline <= now) {
			w->how = w->how == WORKER_ANSWERED ? WORKER_TOO_LONG : w->how;
			end_worker(w);
		}
		least = MIN(least, w->deadline - now);
	}
	*ret_wait = least == INT_MAX ? -1 : (int)MAX(least, (int64_t)0);
}

static void take_signal(struct worker_pool *pool)
{
	struct signalfd_siginfo info;

	if (read(pool->signal_fd, &info, sizeof(info)) == sizeof(info))
		pool->signal = (int)info.ssi_signo;
}

/* Waits for something to happen; reads what workers say. *ret_ended: one whose process ended. */
static int step(struct worker_pool *pool, struct worker **ret_ended)
{
	struct pollfd fds[2 * WORKERS_MAX + 1];
	int wait_ms;

	look_at_clock(pool, &wait_ms);
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		const struct worker *w = &pool->workers[i];

		fds[2 * i] = (struct pollfd){ .fd = w->pid ? w->fd : -1, .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd){ .fd = w->pid ? w->pid_fd : -1, .events = POLLIN };
	}
	/* Once a signal came, it is up to the caller to end. */
	fds[2 * WORKERS_MAX] = (struct pollfd){ .fd = pool->signal_fd, .events = POLLIN };
	if (poll(fds, ARRAY_SIZE(fds), wait_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[2 * WORKERS_MAX].revents)
		take_signal(pool);
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *w = &pool->workers[i];

		if (fds[2 * i].revents && w->fd >= 0 && !read_some(pool, w)) {
			closep(&w->fd);
			w->fd = -1;
		}
		if (fds[2 * i + 1].revents)
			*ret_ended = w;
	}
	return 0;
}

int worker_wait(struct worker_pool *pool, struct worker_end *ret, struct error *err)
{
	struct worker *ended = NULL;

	while (!ended) {
		if (worker_count(pool) == 0)
			return error_set(err, ERR_NOT_FOUND, "no worker is at work");
		if (pool->signal && !pool->ending)
			return error_set(err, -EINTR, "interrupted");

		int r = step(pool, &ended);

		if (r < 0)
			return error_set(err, r, "poll");
	}
	reap(pool, ended, ret);
	return 0;
}

void worker_pool_free(struct worker_pool *pool)
{
	struct worker_end end;

	if (!pool)
		return;
	pool->ending = true;
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (pool->workers[i].pid && pool->workers[i].kills == 0)
			end_worker(&pool->workers[i]);
	while (worker_count(pool) > 0) {
		int r = worker_wait(pool, &end, NULL);

		if (r < 0)
			break;
		json_decref(end.answer);
	}
	/* What cannot be waited for is ended now. */
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (pool->workers[i].pid) {
			kill(-pool->workers[i].pid, SIGKILL);
			reap(pool, &pool->workers[i], &end);
			json_decref(end.answer);
		}
	close(pool->signal_fd);
	prctl(PR_SET_CHILD_SUBREAPER, pool->subreaper);
	sigprocmask(SIG_SETMASK, &pool->before, NULL);
	free(pool);
}
