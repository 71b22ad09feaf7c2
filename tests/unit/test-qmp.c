// SPDX-License-Identifier: GPL-2.0-or-later
/* QEMU's control protocol: what is read out of its lines, and a QEMU of our own behind the pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/file.h"
#include "lab/guest/guest.h"
#include "lab/guest/qemu.h"
#include "lab/guest/qmp.h"

static char dir[64], in[96], out[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-qmp-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(in, sizeof(in), "%s/" QMP_IN, dir);
	snprintf(out, sizeof(out), "%s/" QMP_OUT, dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

static struct qmp_message parse(const char *line)
{
	struct qmp_message m;

	qmp_parse(line, strlen(line), &m);
	return m;
}

static void test_parse(void **state)
{
	(void)state;
	struct qmp_message m = parse("{\"return\": {}, \"id\": \"a1\"}");

	assert_int_equal(m.kind, QMP_RETURN);
	assert_string_equal(m.id, "a1");
	m = parse(
		"{\"id\": \"b\", \"error\": {\"class\": \"GenericError\", \"desc\": \"no\\nway\"}}\r");
	assert_int_equal(m.kind, QMP_ERROR);
	assert_string_equal(m.text, "no?way");
	m = parse("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"SHUTDOWN\", "
		  "\"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}");
	assert_int_equal(m.kind, QMP_EVENT);
	assert_string_equal(m.text, "SHUTDOWN");
	assert_string_equal(m.reason, "guest-reset");
	assert_string_equal(m.id, "");
	assert_int_equal(parse("{\"QMP\": {\"version\": {}}}").kind, QMP_OTHER);
	assert_int_equal(parse("{\"event\": 7}").kind, QMP_OTHER);
	assert_int_equal(parse("[1]").kind, QMP_OTHER);
	assert_int_equal(parse("").kind, QMP_OTHER);
	assert_int_equal(parse("\xff\xfe{").kind, QMP_OTHER);
	assert_string_equal(parse("{\"event\": \"SHUTDOWN\", \"data\": 3}").reason, "");
}

/* Longer than anything that QEMU says: not looked at, and a long text is cut. */
static void test_long_line(void **state)
{
	(void)state;
	char line[QMP_LINE_MAX + 100];

	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"return\": {}}", 14);
	line[QMP_LINE_MAX] = 0;
	assert_int_equal(parse(line).kind, QMP_RETURN);
	line[QMP_LINE_MAX] = ' ';
	line[QMP_LINE_MAX + 1] = 0;
	assert_int_equal(parse(line).kind, QMP_OTHER);
	memset(line, 'x', sizeof(line));
	memcpy(line, "{\"event\":\"", 10);
	memcpy(line + 1000, "\"}", 3);
	struct qmp_message m = parse(line);

	assert_int_equal(m.kind, QMP_EVENT);
	assert_int_equal(strlen(m.text), sizeof(m.text) - 1);
}

static void write_out(const char *text)
{
	assert_int_equal(file_write_atomic(out, text, strlen(text), 0600, NULL), 0);
}

static const char *reason_of(const char *text)
{
	static char reason[64];

	write_out(text);
	qmp_shutdown_reason(dir, reason);
	return reason;
}

#define EVENT(reason) "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"" reason "\"}}\r\n"

static void test_shutdown(void **state)
{
	(void)state;
	char reason[64] = "x";
	char *big = malloc(200000);

	qmp_shutdown_reason(dir, reason);
	assert_string_equal(reason, "");
	assert_string_equal(reason_of("{\"QMP\": {}}\n"), "");
	assert_string_equal(reason_of("{\"QMP\": {}}\n" EVENT("guest-shutdown")), "guest-shutdown");
	assert_string_equal(reason_of("{\"event\": \"SHUTDOWN\"}\n"), "unknown");
	assert_string_equal(reason_of("{\"event\": \"SHUTDOWN\"}"), ""); /* not whole */
	/* The last one, however much was said before. */
	assert_non_null(big);
	memset(big, 'a', 199000);
	snprintf(big + 199000, 1000, "\n%s", EVENT("guest-reset"));
	assert_string_equal(reason_of(big), "guest-reset");
	free(big);
}

/* Takes what comes through the pipe as QEMU would, and answers the second command. */
static pid_t start_qemu(const char *before, const char *answer, const char *suffix)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	char text[1024] = "";
	size_t n = 0;
	FILE *pipe = fopen(in, "r+e"), *file = fopen(out, "ae");

	for (int lines = 0; pipe && file && lines < 2 && n < sizeof(text) - 1; n++) {
		text[n] = (char)fgetc(pipe);
		lines += text[n] == '\n';
	}
	const char *id = n ? strstr(text, "inject-nmi\",\"id\":\"") : NULL;

	if (!id || !strstr(text, "{\"execute\":\"qmp_capabilities\""))
		_exit(1);
	fputs(before, file);
	fprintf(file, "{%s, \"id\": \"%.*s%s\"}\n", answer, (int)strcspn(id + 18, "\""), id + 18,
		suffix);
	fclose(file);
	_exit(0);
}

static int execute(const char *before, const char *answer, const char *suffix, struct error *err)
{
	int pipe = -1, status;

	assert_int_equal(qmp_prepare(dir, &pipe, NULL), 0);
	pid_t pid = start_qemu(before, answer, suffix);

	assert_true(pid > 0);
	int r = qmp_execute(dir, "inject-nmi", *suffix ? 100 : 20000, err);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(pipe);
	return r;
}

static void test_execute(void **state)
{
	(void)state;
	struct error err = { 0 };

	assert_int_equal(execute("{\"return\": {}, \"id\": \"start\"}\n" EVENT("x"),
				 "\"return\": {}", "", &err),
			 0);
	assert_int_equal(execute("", "\"error\": {\"desc\": \"not now\"}", "", &err), ERR_CHILD);
	assert_non_null(strstr(err.message, "inject-nmi: not now"));
	/* Another's answer is none. */
	assert_int_equal(execute("", "\"return\": {}", "x", &err), ERR_TIMEOUT);
	/* Nobody reads the pipe any more. */
	assert_int_equal(qmp_execute(dir, "inject-nmi", 100, &err), ERR_BAD_STATE);
}

static void write_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name, NULL);

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

/* A triple fault is told from a reset that the kernel asked for; no process runs here. */
static void test_end(void **state)
{
	(void)state;
	write_out("{\"QMP\": {}}\n");
	assert_int_equal(guest_end_of(dir), GUEST_KILLED);
	write_out(EVENT("host-signal"));
	assert_int_equal(guest_end_of(dir), GUEST_KILLED);
	write_out(EVENT("guest-shutdown"));
	assert_int_equal(guest_end_of(dir), GUEST_POWERED_OFF);
	write_out(EVENT("guest-reset"));
	write_file(QEMU_CONSOLE, "[ 1.0] reboot: Restarting system\r\n");
	assert_int_equal(guest_end_of(dir), GUEST_RESET);
	write_file(QEMU_CONSOLE, "[ 1.0] Kernel panic - not syncing: x\r\n");
	assert_int_equal(guest_end_of(dir), GUEST_RESET);
	write_file(QEMU_CONSOLE, "[ 1.0] all is well\r\n");
	assert_int_equal(guest_end_of(dir), GUEST_TRIPLE_FAULT);
	/* Where QEMU writes of triple faults, silence is a reset. */
	write_file(QEMU_RESETS, "CPU Reset (CPU 0)\nEAX=0\n");
	assert_int_equal(guest_end_of(dir), GUEST_RESET);
	write_file(QEMU_RESETS, "CPU Reset (CPU 0)\nEAX=0\nTriple fault\n");
	assert_int_equal(guest_end_of(dir), GUEST_TRIPLE_FAULT);
	assert_string_equal(guest_end_name(GUEST_TRIPLE_FAULT), "triple fault");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test_setup_teardown(test_shutdown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_execute, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
