// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/exercise/check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define GROUP_LIMIT_MS 60000 /* a group takes a fraction of a second; load may stretch that */
#define ROUND_PAUSE_MS 1

const struct check_group check_groups[] = {
	{ "fs", group_fs },
	{ "pipe", group_pipe },
	{ "procfs", group_procfs },
	{ "net", group_net },
	{ "ipc", group_ipc },
	{ "mm", group_mm },
	{ "proc", group_proc },
	{ "exec", group_exec },
	{ "signal", group_signal },
	{ "sched", group_sched },
	{ "futex", group_futex },
	{ "time", group_time },
	{ "poll", group_poll },
	{ "aio", group_aio },
	{ "tty", group_tty },
	{ "keys", group_keys },
	{ "namespace", group_namespace },
	{ "crypto", group_crypto },
	{ NULL, NULL },
};

bool expect(struct check *c, bool ok, const char *format, ...)
{
	va_list ap;

	if (ok || c->failure[0])
		return ok;
	va_start(ap, format);
	vsnprintf(c->failure, sizeof(c->failure), format, ap);
	va_end(ap);
	for (char *p = c->failure; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
	return false;
}

static const char *errno_name(int errnum)
{
	const char *name = strerrorname_np(errnum);

	return name ? name : "an unknown error";
}

bool expect_ok(struct check *c, const char *what, long long result)
{
	return expect(c, result >= 0, "%s failed with %s: success expected", what,
		      errno_name(errno));
}

bool expect_number(struct check *c, const char *what, long long seen, long long expected)
{
	if (seen == -1 && expected != -1)
		return expect(c, false, "%s gave -1 (%s): %lld expected", what, errno_name(errno),
			      expected);
	return expect(c, seen == expected, "%s gave %lld: %lld expected", what, seen, expected);
}

bool expect_range(struct check *c, const char *what, long long seen, long long least,
		  long long most)
{
	return expect(c, seen >= least && seen <= most, "%s gave %lld: %lld to %lld expected", what,
		      seen, least, most);
}

bool expect_errno(struct check *c, const char *what, long long result, int errnum)
{
	if (result != -1)
		return expect(c, false, "%s gave %lld: %s expected", what, result,
			      errno_name(errnum));
	return expect(c, errno == errnum, "%s failed with %s: %s expected", what, errno_name(errno),
		      errno_name(errnum));
}

bool expect_bytes(struct check *c, const char *what, const void *seen, const void *expected,
		  size_t n)
{
	const unsigned char *s = seen, *e = expected;

	for (size_t i = 0; i < n; i++)
		if (s[i] != e[i])
			return expect(c, false, "%s: byte %zu of %zu is 0x%02x: 0x%02x expected",
				      what, i, n, s[i], e[i]);
	return true;
}

bool expect_text(struct check *c, const char *what, const char *seen, const char *expected)
{
	return expect(c, streq(seen, expected), "%s is \"%.70s\": \"%.70s\" expected", what, seen,
		      expected);
}

int wait_limit_ms(const struct check *c)
{
	return c->failure[0] ? 0 : CHECK_WAIT_MS;
}

bool expect_ready(struct check *c, const char *what, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (!expect_number(c, what, poll(&p, 1, wait_limit_ms(c)), 1))
		return false;
	return expect(c, p.revents & events, "%s has events 0x%x: 0x%x expected", what,
		      (unsigned)p.revents, (unsigned)events);
}

bool expect_status(struct check *c, const char *what, pid_t pid, int status)
{
	long long limit = now_ms() + wait_limit_ms(c);
	int seen = 0;
	pid_t ended;

	if (!expect_ok(c, what, pid))
		return false;
	while ((ended = waitpid(pid, &seen, WNOHANG)) == 0 && now_ms() < limit)
		pause_ms(1);
	if (ended == 0) {
		kill(pid, SIGKILL);
		return expect(c, false, "%s: the child still runs: its end expected", what);
	}
	return expect_number(c, what, ended, pid) && expect_number(c, what, seen, status);
}

void lacks(struct check *c, const char *what)
{
	size_t n = strlen(c->without);

	snprintf(c->without + n, sizeof(c->without) - n, "%s%s", n ? ", " : "", what);
}

bool lacks_errno(struct check *c, const char *what, int errnum)
{
	bool missing = errnum == ENOSYS || errnum == EOPNOTSUPP || errnum == EAFNOSUPPORT ||
		       errnum == EPROTONOSUPPORT || errnum == ENODEV || errnum == EPERM ||
		       errnum == EACCES;

	if (missing)
		lacks(c, what);
	return missing;
}

void fill_pattern(void *data, size_t n, unsigned seed)
{
	unsigned char *p = data;
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (unsigned char)(x >> 24);
	}
}

bool slurp(struct check *c, const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	ret[0] = 0;
	if (!expect_ok(c, path, fd))
		return false;
	while (len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = 0;
	return expect_ok(c, path, n);
}

/* In the group's own process. */
static void run_in_child(const struct check_group *group, int out)
{
	struct check c = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	group->run(&c);
	_exit(write(out, &c, sizeof(c)) == sizeof(c) ? 0 : 1);
}

/* What the group's process says within its time; true if it has not come to an end by then. */
static bool listen_to(int in, struct check *said, bool *heard)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	long long limit = now_ms() + GROUP_LIMIT_MS;
	struct check whole;
	int ready;

	do
		ready = poll(&p, 1, MAX((int)(limit - now_ms()), 0));
	while (ready < 0 && errno == EINTR);
	*heard = ready > 0 && read(in, &whole, sizeof(whole)) == sizeof(whole);
	if (*heard)
		*said = whole;
	return ready == 0;
}

/* The process has its say, and then it must end, in order and within the time that anything else
 * may take. */
static void collect(struct check *c, pid_t pid, int in)
{
	bool heard = false, ended, late = listen_to(in, c, &heard);
	int status = 0;

	if (late) {
		expect(c, false, "still at work after %d s: its end expected",
		       GROUP_LIMIT_MS / 1000);
		kill(-pid, SIGKILL);
	}
	long long limit = now_ms() + (late ? 1000 : CHECK_WAIT_MS);

	while (!(ended = waitpid(pid, &status, WNOHANG) != 0) && now_ms() < limit)
		pause_ms(1);
	kill(-pid, SIGKILL);
	if (!ended)
		expect(c, false, "its process has not ended after %d s: its end expected",
		       CHECK_WAIT_S);
	else if (WIFSIGNALED(status))
		expect(c, false, "killed by signal %d: a result expected", WTERMSIG(status));
	else if (status != 0)
		expect(c, false, "ended with status %d: a result expected", WEXITSTATUS(status));
	else
		expect(c, heard, "ended without a word: a result expected");
}

static void run_group(const struct check_group *group, struct check *c)
{
	int fds[2] = { -1, -1 };

	*c = (struct check){ 0 };
	if (!expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC)))
		return;
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0)
		run_in_child(group, fds[1]);
	close(fds[1]);
	if (expect_ok(c, "fork()", pid))
		collect(c, pid, fds[0]);
	close(fds[0]);
}

static bool is_wanted(const char *name, char **names)
{
	if (!names[0])
		return true;
	for (; *names; names++)
		if (streq(*names, name))
			return true;
	return false;
}

static bool is_group(const char *name)
{
	for (const struct check_group *g = check_groups; g->name; g++)
		if (streq(g->name, name))
			return true;
	return false;
}

int exercise_list(void)
{
	for (const struct check_group *g = check_groups; g->name; g++)
		puts(g->name);
	return 0;
}

int exercise_check(char **names)
{
	int status = 0;

	for (char **n = names; *n; n++)
		if (!is_group(*n)) {
			complain("check: there is no group %s", *n);
			return EXIT_USAGE;
		}
	for (const struct check_group *g = check_groups; g->name; g++) {
		struct check c;

		if (!is_wanted(g->name, names))
			continue;
		run_group(g, &c);
		if (c.failure[0]) {
			printf("%s FAIL %s\n", g->name, c.failure);
			status = 1;
		} else if (c.without[0]) {
			printf("%s ok (without %s)\n", g->name, c.without);
		} else {
			printf("%s ok\n", g->name);
		}
		fflush(stdout);
	}
	return status;
}

int exercise_mix(const char *seconds)
{
	unsigned long limit_s, rounds = 0;

	if (!parse_number(seconds, 1000000, &limit_s)) {
		complain("mix: %s: not a number of seconds", seconds);
		return EXIT_USAGE;
	}
	long long limit = limit_s ? now_ms() + (long long)limit_s * 1000 : 0;

	hold_prepare();
	for (;;) {
		for (const struct check_group *g = check_groups; g->name; g++) {
			struct check c;

			run_group(g, &c);
			if (c.failure[0]) {
				printf("%s FAIL %s (in round %lu)\n", g->name, c.failure,
				       rounds + 1);
				return 1;
			}
			if ((limit && now_ms() >= limit) || !hold(ROUND_PAUSE_MS, limit == 0)) {
				printf("mix: %lu rounds\n", rounds);
				return 0;
			}
			puts(g->name);
			fflush(stdout);
		}
		if (rounds++ == 0) {
			puts("ready");
			fflush(stdout);
		}
	}
}
