/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log as it is written, /dev/kmsg (the kernel's Documentation/ABI/testing/dev-kmsg):
 * one record a read, "prefix,sequence,time,flags;text\n" and lines that begin with a space. What
 * comes out are whole reports of trouble (kernel/trouble.h).
 */
#pragma once

#include "kernel/trouble.h"

/* The kernel's own limit of a formatted record (CONSOLE_EXT_LOG_MAX, 8192) and more. */
#define KERNEL_RECORD_MAX ((size_t)16 * 1024)
/* Milliseconds that a report may take from its first line on. */
#define KERNEL_REPORT_MS  2000

struct kernel_record {
	bool of_kernel;    /* facility 0: nobody but the kernel can write it */
	uint64_t sequence; /* counts up by one from boot on */
	uint64_t us;       /* microseconds since boot */
	struct kernel_line text;
};

/* Reads one line of /dev/kmsg. ERR_INVALID for what is none; ERR_NOT_FOUND for a line that belongs
 * to the record before it (" SUBSYSTEM=…"). */
int kernel_record_parse(const char *line, size_t len, struct kernel_record *ret);

struct kernel_log;

/* Opens it at its end: only what is written from now on is seen. -errno; -ENOENT also where there
 * is no such device. The caller frees with kernel_log_free(). */
int kernel_log_open(const char *root, struct kernel_log **ret, struct error *err);
void kernel_log_free(struct kernel_log *log);
DEFINE_CLEANUP(struct kernel_log *, kernel_log_free);

/* Goes to the end: what was written meanwhile is not seen. */
void kernel_log_skip(struct kernel_log *log);
/*
 * Goes back to the first record with at least that sequence number that follows the last one of the
 * kernel's lines "livepatch: enabling patch 'MODULE'"; where the log no longer has that line, to
 * its beginning: everything in it came later. For a program that was not there meanwhile.
 */
void kernel_log_rewind(struct kernel_log *log, uint64_t sequence, const char *module);

/* Readable when there is something to read; -1 after the file has ended, which a device never does.
 */
int kernel_log_fd(const struct kernel_log *log);
/* Milliseconds until kernel_log_read() wants to be called anyway; -1: never. `now_ms` as
 * clock_boottime_ms(), here and below. */
int kernel_log_timeout_ms(const struct kernel_log *log, int64_t now_ms);
/*
 * Reads on, at most `max` records, until a report is complete. 1: it is in `ret`, and there may be
 * more; 0: everything has been read; -EAGAIN: `max` records were read and there may be more.
 * Records that the kernel has overwritten before they were read end an open report.
 */
int kernel_log_read(struct kernel_log *log, unsigned int max, int64_t now_ms,
		    struct kernel_report *ret);
/* The sequence number after the last record that was read; 0 before the first. */
uint64_t kernel_log_next(const struct kernel_log *log);
/* How often records were overwritten before they were read. */
unsigned int kernel_log_gaps(const struct kernel_log *log);
