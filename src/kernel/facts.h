/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel is and what it permits. */
#pragma once

#include "base/error.h"
#include "base/release.h"
#include "kernel/notes.h"

enum kernel_answer { KERNEL_NO, KERNEL_YES, KERNEL_UNKNOWN };

enum kernel_lockdown {
	KERNEL_LOCKDOWN_NONE,
	KERNEL_LOCKDOWN_INTEGRITY,
	KERNEL_LOCKDOWN_CONFIDENTIALITY,
	KERNEL_LOCKDOWN_UNKNOWN, /* securityfs is not mounted, or the kernel has no lockdown */
};

struct kernel_facts {
	char release[65];                       /* uname -r */
	char version[129];                      /* uname -v */
	char signature[KERNEL_SIGNATURE_MAX];   /* /proc/version_signature (Ubuntu); "": none */
	char arch[33];                          /* uname -m, e.g. "x86_64" */
	char build_id[KERNEL_BUILD_ID_MAX + 1]; /* "" when the kernel shows none */
	char boot_id[37];                       /* a UUID, new at each boot */
	int64_t uptime;                         /* seconds */
	uint64_t taints;                        /* bits of /proc/sys/kernel/tainted */
	bool livepatch;        /* CONFIG_LIVEPATCH: /sys/kernel/livepatch is there */
	bool modules_disabled; /* kernel.modules_disabled, until the next boot */
	enum kernel_answer signatures_enforced; /* unsigned modules are rejected */
	enum kernel_answer secure_boot;
	enum kernel_lockdown lockdown;
};

/*
 * Reads all of it from /proc and /sys below `root`. Fails only when a file is missing without which
 * nothing can be said (release, boot ID); the rest is left empty or unknown.
 */
int kernel_facts_read(const char *root, struct kernel_facts *ret, struct error *err);

/*
 * May a livepatch be loaded on this kernel at all? 0, or ERR_UNSUPPORTED with what stands in the
 * way and its cure: another architecture, no livepatch support, module loading switched off, no
 * build ID.
 */
int kernel_facts_usable(const struct kernel_facts *facts, struct error *err);

/* "none", "integrity", "confidentiality", "unknown". */
const char *kernel_lockdown_name(enum kernel_lockdown lockdown);
/* "no", "yes", "unknown". */
const char *kernel_answer_name(enum kernel_answer answer);
