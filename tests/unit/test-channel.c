// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both ends of the command channel against each other: guest_serve() in a child process, over a
 * unix socket in QEMU's place. And the host's end against a guest that misbehaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/guest/channel.h"
#include "lab/guest/frame.h"
#include "lab/guest/guest_serve.h"

static char dir[64], path[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-channel-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/channel", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

static void serve_guest(int fd, uint32_t window)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	guest_serve(&(struct guest_channel){
		.fd = fd,
		.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
		.window = window,
		.problems = "module x: no",
	});
}

/* A guest that sends these bytes after the greeting of the host, and then reads to the end. */
static void misbehave(int fd, const void *answer, size_t len)
{
	uint8_t hello[FRAME_HEADER_LEN + FRAME_NONCE_LEN], rest[4096];
	_cleanup_buf_ struct buf payload = BUF_INIT(256), out = BUF_INIT(4096);

	if (recv(fd, hello, sizeof(hello), MSG_WAITALL) != sizeof(hello) ||
	    buf_append(&payload, hello + FRAME_HEADER_LEN, FRAME_NONCE_LEN) < 0 ||
	    frame_append_u32(&payload, FRAME_VERSION) < 0 ||
	    frame_append_u32(&payload, 0xffffffff) < 0 ||
	    frame_append(&out, FRAME_HELLO, payload.data, payload.len) < 0 ||
	    buf_append(&out, answer, len) < 0 || file_write_fd(fd, out.data, out.len, NULL) < 0)
		return;
	shutdown(fd, SHUT_WR);
	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

/* Serves one connection in a child process: a real guest, or one that sends `answer`. */
static pid_t start_guest(uint32_t window, const void *answer, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (answer)
			misbehave(fd, answer, len);
		else
			serve_guest(fd, window);
		_exit(0);
	}
	close(listener);
	return pid;
}

static struct channel *open_channel(void)
{
	_cleanup_free_ char *problems = NULL;
	struct channel *c = NULL;
	struct error err = { 0 };

	assert_int_equal(channel_connect(path, 30000, &c, &problems, &err), 0);
	return c;
}

static void end_guest(pid_t pid, struct channel *c)
{
	if (c)
		assert_int_equal(channel_power_off(c, NULL), 0);
	channel_free(c);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct output {
	struct buf out, errout;
};

static int take(void *user, bool is_error, const void *data, size_t len)
{
	struct output *o = user;

	return buf_append(is_error ? &o->errout : &o->out, data, len);
}

static int run(struct channel *c, const char *script, const void *input, size_t len, int timeout_ms,
	       struct output *o, struct channel_result *result, struct error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	buf_free(&o->out);
	buf_free(&o->errout);
	*o = (struct output){ BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
	return channel_run(c,
			   &(struct channel_command){ .argv = argv,
						      .input = input,
						      .input_len = len,
						      .timeout_ms = timeout_ms,
						      .output = take,
						      .user = o },
			   result, err);
}

static void test_hello(void **state)
{
	(void)state;
	_cleanup_free_ char *problems = NULL;
	struct channel *c = NULL;
	pid_t pid = start_guest(65536, NULL, 0);

	assert_int_equal(channel_connect(path, 30000, &c, &problems, NULL), 0);
	assert_string_equal(problems, "module x: no");
	end_guest(pid, c);
}

static void test_run(void **state)
{
	(void)state;
	struct output o = { BUF_INIT(1), BUF_INIT(1) };
	struct channel_result result;
	struct error err = { 0 };
	pid_t pid = start_guest(65536, NULL, 0);
	struct channel *c = open_channel();

	assert_int_equal(run(c, "echo out; echo err >&2; exit 7", NULL, 0, 0, &o, &result, &err),
			 0);
	assert_int_equal(result.status, 7);
	assert_string_equal(buf_str(&o.out), "out\n");
	assert_string_equal(buf_str(&o.errout), "err\n");
	assert_int_equal(run(c, "kill -9 $$", NULL, 0, 0, &o, &result, &err), 0);
	assert_int_equal(result.status, 137);
	assert_false(result.timed_out);
	/* What its children leave open is not waited for. */
	assert_int_equal(
		run(c, "echo a; exec 2>&1; sleep 5 & echo b", NULL, 0, 0, &o, &result, &err), 0);
	assert_string_equal(buf_str(&o.out), "a\nb\n");
	assert_int_equal(run(c, "echo a; sleep 1000", NULL, 0, 300, &o, &result, &err), 0);
	assert_true(result.timed_out);
	const char *const none[] = { "/nonexistent", NULL };

	assert_int_equal(channel_run(c, &(struct channel_command){ .argv = none }, &result, &err),
			 -ENOENT);
	/* The channel is as good as before. */
	assert_int_equal(run(c, "echo again", NULL, 0, 0, &o, &result, &err), 0);
	assert_string_equal(buf_str(&o.out), "again\n");
	end_guest(pid, c);
	buf_free(&o.out);
	buf_free(&o.errout);
}

/* Input far over the window, to a command that takes it, one that does not, and one that ends. */
static void check_input(uint32_t window)
{
	struct output o = { BUF_INIT(1), BUF_INIT(1) };
	struct channel_result result;
	struct error err = { 0 };
	size_t len = 700000;
	_cleanup_free_ char *data = malloc(len);
	pid_t pid = start_guest(window, NULL, 0);
	struct channel *c = open_channel();

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * i >> 3);
	assert_int_equal(run(c, "cat", data, len, 0, &o, &result, &err), 0);
	assert_int_equal(o.out.len, len);
	assert_memory_equal(o.out.data, data, len);
	assert_int_equal(run(c, "exit 3", data, len, 0, &o, &result, &err), 0);
	assert_int_equal(result.status, 3);
	assert_int_equal(run(c, "exec <&-; echo deaf", data, len, 0, &o, &result, &err), 0);
	assert_string_equal(buf_str(&o.out), "deaf\n");
	assert_int_equal(run(c, "cat", "x", 1, 0, &o, &result, &err), 0);
	assert_string_equal(buf_str(&o.out), "x");
	end_guest(pid, c);
	buf_free(&o.out);
	buf_free(&o.errout);
}

static void test_input(void **state)
{
	(void)state;
	check_input(1024);
	check_input(16384);
	check_input(262144);
}

static void test_output_limit(void **state)
{
	(void)state;
	struct output o = { BUF_INIT(1), BUF_INIT(1) };
	struct channel_result result;
	struct error err = { 0 };
	pid_t pid = start_guest(65536, NULL, 0);
	struct channel *c = open_channel();

	/* A flood ends at the buffer's bound, and the next command is served all the same. */
	assert_int_equal(run(c, "yes", NULL, 0, 0, &o, &result, &err), ERR_TOO_LARGE);
	assert_int_equal(run(c, "echo again", NULL, 0, 0, &o, &result, &err), 0);
	assert_string_equal(buf_str(&o.out), "again\n");
	end_guest(pid, c);
	buf_free(&o.out);
	buf_free(&o.errout);
}

static void test_files(void **state)
{
	(void)state;
	_cleanup_free_ char *file = path_join(dir, "a", "b", "c", NULL);
	_cleanup_free_ char *data = calloc(1, 300000);
	_cleanup_buf_ struct buf back = BUF_INIT(300000), small = BUF_INIT(299999);
	struct error err = { 0 };
	struct stat st;
	pid_t pid = start_guest(16384, NULL, 0);
	struct channel *c = open_channel();

	data[299999] = 'z';
	assert_int_equal(channel_put(c, file, 0640, data, 300000, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(channel_get(c, file, &back, &err), 0);
	assert_int_equal(back.len, 300000);
	assert_memory_equal(back.data, data, 300000);
	assert_int_equal(channel_get(c, file, &small, &err), ERR_TOO_LARGE);
	assert_int_equal(channel_get(c, "/nonexistent", &back, &err), -ENOENT);
	assert_non_null(strstr(err.message, "/nonexistent"));
	assert_int_equal(channel_put(c, "/proc/none/x", 0600, data, 300000, &err), -ENOENT);
	assert_int_equal(channel_put(c, file, 0600, "", 0, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 0);
	end_guest(pid, c);
}

static int run_against(const void *answer, size_t len)
{
	static const char *const argv[] = { "x", NULL };
	struct channel_result result;
	struct error err = { 0 };
	pid_t pid = start_guest(0, answer, len);
	struct channel *c = open_channel();
	int r = channel_run(c, &(struct channel_command){ .argv = argv, .timeout_ms = 1000 },
			    &result, &err);

	channel_free(c);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return r;
}

static void test_hostile_guest(void **state)
{
	(void)state;
	/* It ends; a frame that only a host sends; an exit without its fields; an error number that
	 * would be success or none of errno's. */
	assert_int_equal(run_against("", 0), ERR_BAD_STATE);
	assert_int_equal(run_against("SUL1\2\0\0\0\0\0\0\0", 12), ERR_PROTOCOL);
	assert_int_equal(run_against("SUL1\x09\0\0\0\0\0\0\0", 12), ERR_PROTOCOL);
	assert_int_equal(run_against("SUL1\x0c\0\0\0\4\0\0\0\0\0\0\0", 16), ERR_PROTOCOL);
	assert_int_equal(run_against("SUL1\x0c\0\0\0\4\0\0\0\xff\xff\xff\xff", 16), ERR_PROTOCOL);
	assert_int_equal(run_against("SUL1\x0c\0\0\0\4\0\0\0\2\0\0\0", 16), -ENOENT);
	assert_int_equal(run_against("SUL1\x09\0\0\0\x08\0\0\0\1\0\0\0\0\0\0\0", 20), 0);
}

/* QEMU's socket is there before QEMU listens. */
static void test_not_yet_listening(void **state)
{
	(void)state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int go[2];

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(pipe(go), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		/* Listens when the pipe closes. */
		close(go[1]);
		if (read(go[0], &byte, 1) < 0 || listen(listener, 1) < 0)
			_exit(1);
		serve_guest(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 65536);
		_exit(0);
	}
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(probe, (struct sockaddr *)&address, sizeof(address)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(probe);
	close(listener);
	close(go[0]);
	pid_t opener = fork();

	assert_true(opener >= 0);
	if (opener == 0) {
		struct channel *c = NULL;

		close(go[1]);
		_exit(channel_connect(path, 30000, &c, NULL, NULL) == 0 &&
				      channel_power_off(c, NULL) == 0
			      ? 0
			      : 1);
	}
	/* By now the opener is likely to have been refused; it must come through either way. */
	assert_int_equal(waitpid(opener, NULL, WNOHANG), 0);
	close(go[1]);
	int status = -1;

	assert_int_equal(waitpid(opener, &status, 0), opener);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_no_guest(void **state)
{
	(void)state;
	struct channel *c = NULL;
	struct error err = { 0 };
	int64_t start = clock_monotonic_ms();

	unlink(path);
	assert_int_equal(channel_connect(path, 100, &c, NULL, &err), ERR_BAD_STATE);
	assert_int_equal(channel_connect("/a/path/that/is/longer/than/what/an/address/of/a/unix/"
					 "socket/holds/which/is/one/hundred/and/eight/bytes/in/all",
					 100, &c, NULL, &err),
			 ERR_INVALID);
	assert_true(clock_monotonic_ms() - start < 10000);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_output_limit),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_hostile_guest),
		cmocka_unit_test(test_not_yet_listening),
		cmocka_unit_test(test_no_guest),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
