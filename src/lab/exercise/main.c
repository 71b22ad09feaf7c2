// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exercise: the lab's program inside its guests.
 *
 *	list            the names of the groups, one a line
 *	check [GROUP…]  each group once: "GROUP ok", "GROUP ok (without X)", "GROUP FAIL seen:
 *	                expected"
 *	mix SECONDS     all groups again and again (0: until told to end): the name of each that has
 *	                passed, "ready" after the first round, at the end "mix: N rounds"
 *	sleep           one process asleep in each blocking call: lines "NAME PID", then "ready"
 *	spin N          N processes that never enter the kernel, then "ready"
 *	hog KB          takes memory until MemAvailable is at most KB, then "ready <MemAvailable>"
 *	memory [parts]  what the kernel itself holds, in KB (memory.c)
 *
 * Those that stay end with SIGTERM or with their standard input (hold() in exercise.h). Exit
 *status: 0, 1 for a failed check or an error, 2 for a wrong command line.
 */
#include <stdarg.h>
#include <time.h>

#include "lab/exercise/exercise.h"

int complain(const char *format, ...)
{
	va_list ap;

	fputs("exercise: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

bool parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || errno != 0 || value > max)
		return false;
	*ret = value;
	return true;
}

static int usage(void)
{
	complain(
		"usage: exercise list | check [GROUP...] | mix SECONDS | sleep | spin N | hog KB | "
		"memory [parts]");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (streq(verb, "check"))
		return exercise_check(argv + 2);
	if (streq(verb, "echo"))
		return exercise_echo(argv + 2);
	if (argc == 2 && streq(verb, "list"))
		return exercise_list();
	if (argc == 3 && streq(verb, "mix"))
		return exercise_mix(argv[2]);
	if (argc == 2 && streq(verb, "sleep"))
		return exercise_sleep();
	if (argc == 3 && streq(verb, "spin"))
		return exercise_spin(argv[2]);
	if (argc == 3 && streq(verb, "hog"))
		return exercise_hog(argv[2]);
	if (streq(verb, "memory") && (argc == 2 || (argc == 3 && streq(argv[2], "parts"))))
		return exercise_memory(argc == 3);
	return usage();
}
