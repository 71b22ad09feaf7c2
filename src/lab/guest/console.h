/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel log says about the kernel's health: panic, oops, warning and the like, with the
 * part of the log that a person wants to see. Which lines are trouble is in kernel/trouble.c.
 */
#pragma once

#include <stddef.h>

enum console_verdict {
	CONSOLE_CLEAN,
	CONSOLE_WARNING, /* WARN(), a stall report: the kernel goes on */
	CONSOLE_OOPS,    /* a task died in the kernel */
	CONSOLE_PANIC,   /* the kernel gave up */
};

#define CONSOLE_EXCERPT_MAX 4096

struct console_report {
	enum console_verdict verdict; /* the worst that was found */
	size_t count;                 /* how many lines of any such kind */
	/* From the first oops or panic (or else warning) to the end of its trace; printable ASCII
	 * and newlines. "" when clean. */
	char excerpt[CONSOLE_EXCERPT_MAX];
};

/* Reads a console log or the output of dmesg; any bytes. */
void console_classify(const void *log, size_t len, struct console_report *ret);

/* The part of a log from the first line that begins with `text` (after the time stamp), as excerpts
 * are cut; "" if there is none. */
void console_cut(const void *log, size_t len, const char *text,
		 char ret[static CONSOLE_EXCERPT_MAX]);

/* "clean", "warning", "oops", "panic". */
const char *console_verdict_name(enum console_verdict verdict);
/* The excerpt's first line, without the time stamp, in a form fit for one line of a report. */
void console_headline(const struct console_report *report, char *ret, size_t size);
