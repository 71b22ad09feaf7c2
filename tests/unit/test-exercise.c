// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * suture-lab-exercise on this machine's kernel. That its checks find what is wrong is shown with
 * strace, which gives single system calls another result: what a bad patch would do.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/process.h"

#define LIMIT_MS 60000

static const char *program(void)
{
	const char *path = getenv("SUTURE_EXERCISE");

	assert_non_null(path);
	return path;
}

/* The exit status; standard output in `out`. Standard input is a pipe that is closed at once. */
static int run(const char *const *argv, struct buf *out)
{
	_cleanup_buf_ struct buf errout = BUF_INIT(1024 * 1024);
	struct error err = { 0 };
	int status = -1;

	out->len = 0;
	int r = process_run(
		&(struct process_options){
			.argv = argv,
			.input = "",
			.timeout_ms = LIMIT_MS,
			.out = out,
			.errout = &errout,
		},
		&status, &err);

	if (r < 0)
		fail_msg("%s: %s", argv[0], err.message);
	assert_int_equal(buf_append(out, "", 1), 0);
	out->len--;
	return status;
}

#define RUN(out, ...) run((const char *const[]){ program(), __VA_ARGS__, NULL }, out)

static void test_check(void **state _unused_)
{
	_cleanup_buf_ struct buf list = BUF_INIT(65536), out = BUF_INIT(65536);
	size_t groups = 0;
	char *rest = NULL;

	assert_int_equal(RUN(&list, "list"), 0);
	if (RUN(&out, "check") != 0)
		fail_msg("%s", (char *)out.data);
	const char *at = (char *)out.data;

	for (char *name = strtok_r((char *)list.data, "\n", &rest); name;
	     name = strtok_r(NULL, "\n", &rest), groups++) {
		assert_true(str_has_prefix(at, name));
		at += strlen(name);
		assert_true(str_has_prefix(at, " ok\n") || str_has_prefix(at, " ok (without "));
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
	assert_true(groups >= 12);
	assert_int_equal(RUN(&out, "check", "mm", "fs"), 0);
	assert_true(str_has_prefix((char *)out.data, "fs ok"));
	assert_non_null(strstr((char *)out.data, "\nmm ok"));
}

static void test_usage(void **state _unused_)
{
	static const char *const wrong[][2] = { { "check", "none" }, { "mix", "-1" },
						{ "mix", "1x" },     { "spin", "" },
						{ "hog", "x" },      { "sleep", "1" },
						{ "other", "1" },    { "memory", "x" } };
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(RUN(&out, wrong[i][0], wrong[i][1]), 2);
		assert_int_equal(out.len, 0);
	}
	assert_int_equal(run((const char *const[]){ program(), NULL }, &out), 2);
}

static void test_mix(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	/* Until its input ends, which it has. */
	assert_int_equal(RUN(&out, "mix", "0"), 0);
	assert_string_equal((char *)out.data, "mix: 0 rounds\n");
	/* A busy machine may need longer for a round. */
	for (int seconds = 2, rounds = 0; rounds == 0; seconds *= 2) {
		char text[16];

		assert_true(seconds < 60);
		snprintf(text, sizeof(text), "%d", seconds);
		assert_int_equal(RUN(&out, "mix", text), 0);
		assert_true(str_has_prefix((char *)out.data, "fs\npipe\n"));
		const char *end = strstr((char *)out.data, "mix: ");

		assert_non_null(end);
		rounds = (int)strtol(end + 5, NULL, 10);
		assert_int_equal(!!strstr((char *)out.data, "crypto\nready\n"), rounds > 0);
	}
}

struct running {
	pid_t pid;
	int in, out;
};

static struct running start(const char *verb, const char *argument)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(program(), "exercise", verb, argument, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	return (struct running){ pid, in[1], out[0] };
}

/* What it says until its line "ready". */
static void until_ready(const struct running *r, char *ret, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(r->out, ret + len, size - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
		ret[len] = 0;
		if (str_has_prefix(ret, "ready") || strstr(ret, "\nready"))
			return;
	}
}

static void assert_ends_well(struct running *r)
{
	int status = -1;

	closep(&r->in);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	closep(&r->out);
}

/* The letter in /proc/PID/stat. */
static char state_of(long pid)
{
	char path[64];
	_cleanup_free_ char *line = NULL;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (file_read_line(path, &line, NULL) < 0)
		return 0;
	return strrchr(line, ')')[2];
}

static void test_sleep(void **state _unused_)
{
	char text[8192], again[8192];
	struct running r = start("sleep", NULL);
	size_t n = 0;

	until_ready(&r, text, sizeof(text));
	memcpy(again, text, sizeof(text));
	for (char *line = text; *line != 'r' || !str_has_prefix(line, "ready\n");
	     line = strchr(line, '\n') + 1, n++) {
		char asleep = state_of(strtol(strchr(line, ' '), NULL, 10));

		assert_true(asleep == 'S' || asleep == 'D');
	}
	assert_true(n >= 25);
	assert_ends_well(&r);
	for (char *line = again; !str_has_prefix(line, "ready\n"); line = strchr(line, '\n') + 1)
		assert_int_equal(state_of(strtol(strchr(line, ' '), NULL, 10)), 0);
}

/* The children of a process, as the kernel lists them. */
static size_t children_of(pid_t pid, long *ret, size_t max)
{
	char path[64];
	_cleanup_free_ char *line = NULL;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	assert_int_equal(file_read_line(path, &line, NULL), 0);
	for (char *p = line, *end; n < max; p = end) {
		ret[n] = strtol(p, &end, 10);
		if (end == p)
			break;
		n++;
	}
	return n;
}

static void test_spin(void **state _unused_)
{
	char text[64];
	long pids[8];
	struct running r = start("spin", "2");
	int status = -1;

	until_ready(&r, text, sizeof(text));
	assert_int_equal(children_of(r.pid, pids, ARRAY_SIZE(pids)), 2);
	assert_int_equal(state_of(pids[0]), 'R');
	assert_int_equal(state_of(pids[1]), 'R');
	assert_int_equal(kill(r.pid, SIGTERM), 0);
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	assert_int_equal(status, 0);
	assert_int_equal(state_of(pids[0]), 0);
	assert_int_equal(state_of(pids[1]), 0);
	closep(&r.in);
	closep(&r.out);
}

/* Each: a system call with a wrong result. */
static const struct {
	const char *group, *inject;
} faults[] = {
	{ "fs", "pread64:retval=3" },
	{ "fs", "rename:retval=0" },
	{ "pipe", "splice:retval=1" },
	{ "procfs", "uname:retval=0" },
	{ "procfs", "sysinfo:retval=0" },
	{ "net", "recvmsg:retval=1" },
	{ "net", "getsockopt:retval=0" },
	{ "ipc", "msgrcv:retval=20" },
	{ "ipc", "semop,semtimedop:retval=0" },
	{ "mm", "mprotect:retval=0" },
	{ "mm", "madvise:retval=0" },
	{ "proc", "setpgid:retval=0" },
	{ "proc", "setrlimit,prlimit64:retval=0" },
	{ "exec", "chmod,fchmod:retval=0" },
	{ "signal", "rt_sigtimedwait:error=EINTR" },
	{ "sched", "sched_setaffinity:retval=0" },
	{ "futex", "futex:retval=0" },
	{ "time", "nanosleep,clock_nanosleep:retval=0" },
	{ "poll", "epoll_wait:retval=1" },
	{ "aio", "io_getevents:retval=1" },
	{ "aio", "io_uring_enter:retval=1" },
	{ "tty", "ioctl:retval=0:when=4+" },
	{ "keys", "keyctl:retval=11" },
	{ "namespace", "sethostname:retval=0" },
	{ "crypto", "getrandom:retval=64" },
};

static void test_faults(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(65536);
	size_t missed = 0;

	if (run((const char *const[]){ "strace", "-qq", "-o", "/dev/null", "true", NULL }, &out) !=
	    0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		char inject[128], expected[64];

		snprintf(inject, sizeof(inject), "inject=%s", faults[i].inject);
		snprintf(expected, sizeof(expected), "%s FAIL ", faults[i].group);
		int status = run((const char *const[]){ "strace", "-f", "-qq", "-o", "/dev/null",
							"-e", inject, program(), "check",
							faults[i].group, NULL },
				 &out);
		if (status == 1 && str_has_prefix((char *)out.data, expected))
			continue;
		print_message("# %s with %s: status %d: %s\n", faults[i].group, inject, status,
			      (char *)out.data);
		missed++;
	}
	assert_int_equal(missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check), cmocka_unit_test(test_usage),
		cmocka_unit_test(test_mix),   cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_spin),  cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
