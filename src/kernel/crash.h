/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence that a kernel of this machine crashed in an earlier boot, from where it outlives the
 * kernel:
 *
 *   /sys/fs/pstore/dmesg-*             the kernel's own records (Documentation/ABI/testing/pstore);
 *                                      fs/pstore/platform.c begins each part with a line such as
 *                                      "Panic#1 Part1", of which other reasons than Panic and Oops
 *                                      (Emergency, Shutdown) tell of no crash
 *   /var/lib/systemd/pstore            where systemd-pstore(8) moves them, in folders or not
 *   /var/crash/NAME                    what a crash kernel (kdump) saved: dump.*, vmcore*, dmesg.*
 *
 * Only what belongs to the user that this runs as (root) counts: others may write to /var/crash.
 */
#pragma once

#include "kernel/trouble.h"

#define KERNEL_CRASHES_MAX   64
#define KERNEL_CRASH_ID_MAX  17 /* 16 hexadecimal digits and a zero */
/* Bytes of one record or log that are looked at, from its end. */
#define KERNEL_CRASH_READ    ((size_t)512 * 1024)
/* Files and folders that are looked at in one search. */
#define KERNEL_CRASH_ENTRIES 512

struct kernel_crash {
	char id[KERNEL_CRASH_ID_MAX];              /* of its bytes; a file that is moved keeps it */
	int64_t time;                              /* of the file, seconds since 1970 */
	enum kernel_trouble trouble;               /* OOPS or PANIC */
	char headline[KERNEL_REPORT_HEADLINE_MAX]; /* what the kernel said; "": nothing is known */
	char where[64];                            /* "pstore", "crash dump" */
};

/* Newest first. Of more than there is room for, the newest are kept. */
struct kernel_crashes {
	struct kernel_crash items[KERNEL_CRASHES_MAX];
	size_t n;
};

/* Looks for all there is now. What cannot be read is left out: no evidence is never an error. */
void kernel_crash_find(const char *root, struct kernel_crashes *ret);

/* Adds the crashes of one file of pstore's records to the list: one for each "Part1" (the end of a
 * log; the parts of one crash count once). `time` is the file's. */
void kernel_crash_parse(const void *data, size_t len, int64_t time, struct kernel_crashes *ret);
