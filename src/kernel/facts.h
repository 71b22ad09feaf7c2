/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel is and what it permits. */
#pragma once

#include "base/error.h"
#include "base/release.h"
#include "kernel/host.h"
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
	bool livepatch;                       /* CONFIG_LIVEPATCH: /sys/kernel/livepatch is there */
	bool modules_disabled;                /* kernel.modules_disabled, until the next boot */
	enum kernel_answer ftrace_enabled;    /* kernel.ftrace_enabled */
	char container[KERNEL_CONTAINER_MAX]; /* kernel_container(): "" outside of any */
	enum kernel_answer signatures_enforced; /* unsigned modules are rejected */
	enum kernel_answer secure_boot;
	enum kernel_lockdown lockdown;
};

/*
 * Reads all of it from /proc and /sys below `root`. Fails only when a file is missing without which
 * nothing can be said (release, boot ID); the rest is left empty or unknown.
 */
int kernel_facts_read(const char *root, struct kernel_facts *ret, struct error *err);

/* What a kernel must be before any livepatch is loaded into it. The machine's programs ask in this
 * order. */
enum kernel_requirement {
	KERNEL_NEEDS_X86_64,
	KERNEL_NEEDS_HOST,      /* not inside a container, nor WSL: the kernel is not ours there */
	KERNEL_NEEDS_LIVEPATCH, /* CONFIG_LIVEPATCH, and sysfs */
	KERNEL_NEEDS_MODULES,   /* loading is not switched off */
	KERNEL_NEEDS_FTRACE,    /* switched on: livepatches redirect calls by it */
	KERNEL_NEEDS_BUILD_ID,
};
#define KERNEL_REQUIREMENTS 6

/* Is it met? 0, or ERR_UNSUPPORTED with what stands in the way and its cure. */
int kernel_facts_meet(const struct kernel_facts *facts, enum kernel_requirement requirement,
		      struct error *err);

/* May a livepatch be loaded on this kernel at all? 0, or what kernel_facts_meet() says of the first
 * requirement that is not met. */
int kernel_facts_usable(const struct kernel_facts *facts, struct error *err);

/* "none", "integrity", "confidentiality", "unknown". */
const char *kernel_lockdown_name(enum kernel_lockdown lockdown);
/* "no", "yes", "unknown". */
const char *kernel_answer_name(enum kernel_answer answer);
