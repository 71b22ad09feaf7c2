/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure RUNS COMMAND…: runs a command that many times and prints one line each: seconds of wall
 * clock, seconds of computing of the process itself, the same of all its children, its largest
 * resident set in KiB, its exit status. A small program, since the resident set of a new process
 * begins with that of the one it was forked from.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* utime and stime, cutime and cstime of a process that has ended and is not reaped (proc(5), fields
 * 14 to 17). */
static int read_times(pid_t pid, double *own, double *children)
{
	char path[64], text[1024];
	uint64_t ticks[4];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return -1;
	text[len] = '\0';

	char *p = strrchr(text, ')');

	for (int field = 2; p && field < 14; field++)
		p = strchr(p + 1, ' ');
	while (p && n < 4)
		ticks[n++] = strtoull(p + 1, &p, 10);
	if (n < 4)
		return -1;

	double hertz = (double)sysconf(_SC_CLK_TCK);

	*own = (double)(ticks[0] + ticks[1]) / hertz;
	*children = (double)(ticks[2] + ticks[3]) / hertz;
	return 0;
}

static int run_once(char **argv)
{
	double start = now(), wall, own, children;
	struct rusage usage;
	siginfo_t info;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0) {
			dup2(null, STDIN_FILENO);
			dup2(null, STDOUT_FILENO);
		}
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		return -1;
	wall = now() - start;
	if (read_times(pid, &own, &children) < 0 || wait4(pid, &status, 0, &usage) < 0)
		return -1;
	printf("%.6f %.2f %.2f %ld %d\n", wall, own, children, usage.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return 0;
}

int main(int argc, char **argv)
{
	char *end;
	long runs = argc > 2 ? strtol(argv[1], &end, 10) : 0;

	if (runs < 1 || *end) {
		fputs("usage: measure RUNS COMMAND…\n", stderr);
		return 2;
	}
	for (long i = 0; i < runs; i++)
		if (run_once(argv + 2) < 0) {
			perror("measure");
			return 1;
		}
	return 0;
}
