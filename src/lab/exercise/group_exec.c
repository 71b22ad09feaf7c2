// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs: this one runs itself as "echo", which prints what it was given. */
#include <fcntl.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lab/exercise/check.h"

#define OUTPUT_MAX 20000

int exercise_echo(char **argv)
{
	const char *given = getenv("EXERCISE");

	printf("%s|%lu|%d|", given ? given : "", getauxval(AT_PAGESZ), fcntl(9, F_GETFD));
	for (; *argv; argv++)
		printf("%s|", *argv);
	return fflush(stdout) == 0 ? 23 : 1;
}

/* Runs a program with its output in `ret`. */
static void run(struct check *c, const char *path, char *const *argv, char ret[static OUTPUT_MAX])
{
	char *env[] = { (char[]){ "EXERCISE=in the environment" }, NULL };
	int fds[2] = { -1, -1 };
	size_t len = 0;
	ssize_t n;

	expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC));
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup3(fds[0], 9, O_CLOEXEC);
		execve(path, argv, env);
		_exit(errno == ENOENT ? 99 : 98);
	}
	close(fds[1]);
	while (len < OUTPUT_MAX - 1 &&
	       expect_ready(c, "the output of a program", fds[0], POLLIN | POLLHUP) &&
	       (n = read(fds[0], ret + len, OUTPUT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = 0;
	close(fds[0]);
	expect_status(c, "execve()", pid, 23 << 8);
}

/* What execve() says to a program that it must refuse. */
static int start(const char *path)
{
	return execve(path, (char *[]){ (char[]){ "x" }, NULL }, (char *[]){ NULL });
}

static void check_arguments(struct check *c, char out[static OUTPUT_MAX])
{
	char text[9001], expected[OUTPUT_MAX];

	memset(text, 'L', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	run(c, "/proc/self/exe",
	    (char *[]){ (char[]){ "x" }, (char[]){ "echo" }, (char[]){ "" }, text, NULL }, out);
	snprintf(expected, sizeof(expected), "in the environment|4096|-1||%s|", text);
	expect_text(c, "what a program was given", out, expected);
}

static void check_script(struct check *c, char out[static OUTPUT_MAX])
{
	char path[64], self[200] = "", expected[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	snprintf(path, sizeof(path), "/tmp/exercise.script.%d", getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	expect_ok(c, "readlink()", n);
	if (n > 100) {
		lacks(c, "a short path");
		close(fd);
		unlink(path);
		return;
	}
	expect_range(c, "dprintf()", dprintf(fd, "#!%s echo\n", self), 8, 256);
	expect_errno(c, "execve() without permission", start(path), EACCES);
	expect_ok(c, "fchmod()", fchmod(fd, 0700));
	expect_errno(c, "execve() of what is open for writing", start(path), ETXTBSY);
	close(fd);
	run(c, path, (char *[]){ (char[]){ "x" }, (char[]){ "one" }, NULL }, out);
	snprintf(expected, sizeof(expected), "in the environment|4096|-1|%s|one|", path);
	expect_text(c, "what a script was given", out, expected);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	expect_number(c, "write()",
		      write(fd,
			    "\x7f"
			    "BAD nothing",
			    12),
		      12);
	close(fd);
	expect_errno(c, "execve() of no program", start(path), ENOEXEC);
	expect_ok(c, "unlink()", unlink(path));
}

void group_exec(struct check *c)
{
	char out[OUTPUT_MAX];

	check_arguments(c, out);
	check_script(c, out);
	expect_errno(c, "execve() of nothing", start("/none/such"), ENOENT);
	expect_errno(c, "execve() of a folder", start("/"), EACCES);
}
