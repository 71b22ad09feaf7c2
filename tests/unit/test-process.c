/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/process.h"

static int run(const char *script, struct process_options o, int *status, struct error *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	o.argv = argv;
	return process_run(&o, status, err);
}

static void output_and_status(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(100), errout = BUF_INIT(100);
	struct error err = { 0 };
	int status = -1;

	assert_ok(run("cat; echo $V; echo e >&2; exit 7",
		      (struct process_options){ .input = "in ",
						.input_len = 3,
						.env = (const char *const[]){ "V=val", NULL },
						.out = &out,
						.errout = &errout },
		      &status, &err),
		  &err);
	assert_int_equal(status, 7);
	assert_string_equal(buf_str(&out), "in val\n");
	assert_string_equal(buf_str(&errout), "e\n");
}

static void much_input_and_output(void **state _unused_)
{
	size_t len = 1000000;
	_cleanup_free_ char *input = malloc(len);
	_cleanup_buf_ struct buf out = BUF_INIT(len);
	struct error err = { 0 };

	memset(input, 'x', len);
	assert_ok(run("cat",
		      (struct process_options){ .input = input, .input_len = len, .out = &out },
		      NULL, &err),
		  &err);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, input, len);
}

static void failure_without_status(void **state _unused_)
{
	_cleanup_buf_ struct buf errout = BUF_INIT(100);
	struct error err = { 0 };

	assert_int_equal(run("echo first >&2; echo why >&2; exit 3",
			     (struct process_options){ .errout = &errout }, NULL, &err),
			 ERR_CHILD);
	assert_string_equal(err.message, "sh ended with status 3: why");
}

static void time_limit_kills_the_group(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(100);
	struct error err = { 0 };
	int64_t start = clock_monotonic_ms();

	assert_int_equal(run("sleep 100 & echo $!; wait",
			     (struct process_options){ .timeout_ms = 300, .out = &out }, NULL,
			     &err),
			 ERR_TIMEOUT);
	assert_true(clock_monotonic_ms() - start < 50000);
	pid_t grandchild = (pid_t)strtol(buf_str(&out), NULL, 10);
	assert_true(grandchild > 1);
	/* Killed with the group; init may need a moment to reap it, and a zombie still has its
	 * number. */
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)grandchild);
	for (int i = 0; i < 5000 && file_exists(path); i++) {
		_cleanup_free_ char *line = NULL;
		if (file_read_line(path, &line, &err) < 0 || strstr(line, ") Z "))
			return;
		usleep(10000);
	}
	assert_false(file_exists(path));
}

static void output_limit(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	struct error err = { 0 };

	assert_int_equal(run("yes", (struct process_options){ .out = &out }, NULL, &err),
			 ERR_TOO_LARGE);
}

static void background_grandchild_does_not_hold_us(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	struct error err = { 0 };
	int64_t start = clock_monotonic_ms();

	assert_ok(run("sleep 60 & echo $!", (struct process_options){ .out = &out }, NULL, &err),
		  &err);
	assert_true(clock_monotonic_ms() - start < 30000);
	pid_t grandchild = (pid_t)strtol(buf_str(&out), NULL, 10);
	assert_true(grandchild > 1);
	kill(grandchild, SIGKILL);
}

static void no_such_program(void **state _unused_)
{
	const char *const argv[] = { "suture-no-such-program", NULL };
	struct error err = { 0 };

	assert_int_equal(process_run(&(struct process_options){ .argv = argv }, NULL, &err),
			 -ENOENT);
	assert_non_null(strstr(err.message, "suture-no-such-program"));
}

static void killed_by_a_signal(void **state _unused_)
{
	struct error err = { 0 };
	int status = -1;

	assert_ok(run("kill -TERM $$", (struct process_options){ 0 }, &status, &err), &err);
	assert_int_equal(status, 128 + SIGTERM);
}

static void start_and_stop(void **state _unused_)
{
	const char *const gentle[] = { "sleep", "1000", NULL };
	const char *const deaf[] = { "sh", "-c",
				     "trap '' TERM; echo ready; while :; do sleep 1000; done",
				     NULL };
	struct error err = { 0 };
	int ends[2];
	char byte;
	pid_t pid;

	assert_ok(process_start(gentle, -1, &pid, &err), &err);
	assert_int_equal(process_stop(pid, 60000), 128 + SIGTERM);
	assert_int_equal(pipe(ends), 0);
	assert_ok(process_start(deaf, ends[1], &pid, &err), &err);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(process_stop(pid, 100), 128 + SIGKILL);
	close(ends[0]);
	close(ends[1]);
}

/* The pipe closes only when the grandchild is gone too. */
static void child_dies_with_its_parent(void **state _unused_)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	struct error err = { 0 };
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t pid;

		close(ends[0]);
		_exit(process_start(argv, ends[1], &pid, &err) < 0);
	}
	close(ends[1]);
	int status = -1;
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(status, 0);
	alarm(60);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	alarm(0);
	close(ends[0]);
}

static void a_program_is_found(void **state _unused_)
{
	char *dir = unit_make_dir(), places[200];
	_cleanup_free_ char *before = strdup(getenv("PATH")), *mine = path_join(dir, "sh", NULL);

	snprintf(places, sizeof(places), ":/nowhere:%s:/usr/bin:/bin", dir);
	setenv("PATH", places, 1);
	assert_int_equal(file_write_atomic(mine, "", 0, 0600, NULL), 0);
	_cleanup_free_ char *not_this = process_find("sh");

	assert_int_equal(chmod(mine, 0700), 0);
	_cleanup_free_ char *found = process_find("sh"), *none = process_find("no-such-program");

	setenv("PATH", before, 1);
	assert_non_null(not_this);
	assert_string_not_equal(not_this, mine);
	assert_string_equal(found, mine);
	assert_null(none);
	unit_remove_dir(dir);
}

/* A connection whose other end takes nothing of what was sent, set to linger for a minute. */
static int lingering_socket(int *ret_listener, int *ret_other)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = 60 };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char data[65536];

	*ret_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*ret_listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(*ret_listener, 1), 0);
	assert_int_equal(getsockname(*ret_listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
	*ret_other = accept4(*ret_listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* close(2) would wait for that minute. */
static void what_lingers_is_closed_at_once(void **state _unused_)
{
	int64_t start = clock_monotonic_ms();
	int listener, other, before = open_descriptors();
	int fds[2] = { lingering_socket(&listener, &other), open("/dev/null", O_RDONLY) };
	int within = open_descriptors();

	process_close_elsewhere(fds, 2);
	assert_int_equal(open_descriptors(), within - 2);
	assert_true(clock_monotonic_ms() - start < 10000);
	/* No child of ours is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(other);
	close(listener);
	assert_int_equal(open_descriptors(), before);
}

/* A lock is its process's: no helper keeps it. */
static void nothing_else_is_kept(void **state _unused_)
{
	int gate[2], fds[1] = { open("/dev/null", O_RDONLY) };
	char byte;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	process_close_elsewhere(fds, 1);
	close(gate[1]);
	/* Ends at once only if nobody else has the other end. */
	alarm(20);
	assert_int_equal(read(gate[0], &byte, 1), 0);
	alarm(0);
	close(gate[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_status),
		cmocka_unit_test(much_input_and_output),
		cmocka_unit_test(failure_without_status),
		cmocka_unit_test(time_limit_kills_the_group),
		cmocka_unit_test(output_limit),
		cmocka_unit_test(background_grandchild_does_not_hold_us),
		cmocka_unit_test(no_such_program),
		cmocka_unit_test(killed_by_a_signal),
		cmocka_unit_test(start_and_stop),
		cmocka_unit_test(a_program_is_found),
		cmocka_unit_test(what_lingers_is_closed_at_once),
		cmocka_unit_test(nothing_else_is_kept),
		cmocka_unit_test(child_dies_with_its_parent),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
