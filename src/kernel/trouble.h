/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a line of the kernel's log says about its health, and whole reports of such lines. The texts
 * are those of the kernel's own sources (kernel/panic.c, arch/x86/kernel/dumpstack.c,
 * kernel/watchdog.c, lib/bug.c, kernel/rcu/tree_stall.h, mm/kasan/report.c, kernel/hung_task.c).
 * Pure functions of bytes, wherever these come from: a console, /dev/kmsg, a record in pstore.
 */
#pragma once

#include "base/error.h"

enum kernel_trouble {
	KERNEL_TROUBLE_NONE,
	KERNEL_TROUBLE_WARNING, /* WARN(), a stall report: the kernel goes on */
	KERNEL_TROUBLE_LOCKUP,  /* a processor does not come back; it may yet */
	KERNEL_TROUBLE_OOPS,    /* a task died in the kernel, or a BUG was found */
	KERNEL_TROUBLE_PANIC,   /* the kernel gave up */
};

/* "none", "warning", "lockup", "oops", "panic"; static storage. */
const char *kernel_trouble_name(enum kernel_trouble trouble);

/* One line without its end; any bytes, owned by somebody else. */
struct kernel_line {
	const char *text;
	size_t len;
};

/* Skips "<4>" and "[   12.345678] " or "[   12.345678][  T123] ", and the spaces behind them. */
void kernel_line_skip_stamp(struct kernel_line *line);
bool kernel_line_starts(const struct kernel_line *line, const char *text);
/* What the line announces at its beginning, after a stamp. */
enum kernel_trouble kernel_line_judge(struct kernel_line line);
/* "---[ end trace … ]---" and the like. */
bool kernel_line_ends_report(struct kernel_line line);

#define KERNEL_PLACE_SYMBOL_MAX 128 /* bytes with the zero; a longer one is cut */
#define KERNEL_PLACE_MODULE_MAX 64

/* A place in the kernel's code, as "%pS" prints it: symbol+0x10/0x20 [module]. */
struct kernel_place {
	char symbol[KERNEL_PLACE_SYMBOL_MAX];
	char module[KERNEL_PLACE_MODULE_MAX]; /* "": the kernel itself */
	bool rip;                             /* where it happened, not who called */
};

/* Is this line the RIP of a report, or an entry of a back trace that the unwinder is sure of (none
 * with a "?")? */
bool kernel_line_place(struct kernel_line line, struct kernel_place *ret);

#define KERNEL_REPORT_HEADLINE_MAX 160
#define KERNEL_REPORT_LINES_MAX    256
/* Modules of this project's livepatches have names that begin so (docs/formats.md). */
#define KERNEL_REPORT_OURS         "suture_"

/*
 * One report: from the line that announces it to the end of its trace. An oops is one only as a
 * whole: with the line that die() begins with, the registers and the end of the trace. A line that
 * begins like one can be had with the name of a program, and is a warning at most.
 */
struct kernel_report {
	enum kernel_trouble trouble; /* up to OOPS */
	/* Its first line without the stamp, in printable ASCII, with "..." for each run of 8 or
	 * more hexadecimal digits: addresses in the kernel are nobody's business. */
	char headline[KERNEL_REPORT_HEADLINE_MAX];
	bool has_place;            /* it has a RIP or a back trace */
	struct kernel_place rip;   /* the first RIP in the kernel; symbol "" without one */
	bool in_livepatch;         /* a livepatch of ours is at its RIP or in a back trace, */
	struct kernel_place where; /* and this is the first such place */
	unsigned int lines;
};

/* Collects reports from lines that come one by one. Begins zeroed. */
struct kernel_reporter {
	bool open;            /* a report has begun */
	bool death, rip, end; /* what of a whole oops was seen */
	struct kernel_report report;
};

/* Takes the next line. True when it completes a report, which is in reporter->report until the next
 * call. A report ends with the end of its trace, where the next one is announced by the line "cut
 * here", and after KERNEL_REPORT_LINES_MAX lines. */
bool kernel_reporter_take(struct kernel_reporter *reporter, struct kernel_line line);
/* No more lines of the open report will come, as far as can be known. True if there was one. */
bool kernel_reporter_flush(struct kernel_reporter *reporter);
