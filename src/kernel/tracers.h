/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else has a hand in functions that a patch replaces: kprobes and users of ftrace.
 *
 * Only one user of ftrace may redirect a function (FTRACE_OPS_FL_IPMODIFY): a livepatch that comes
 * second is refused with EBUSY (__ftrace_hash_update_ipmodify(), kernel/trace/ftrace.c of 6.1 and
 * 6.12). Livepatches share one user for each function, so another livepatch is none of these.
 * A direct call, such as a BPF trampoline, is asked to share, and mostly does. A kprobe keeps
 * working, but what runs is the new code, which it does not see.
 */
#pragma once

#include "kernel/livepatch.h"

#define KERNEL_TRACERS_MAX      64
#define KERNEL_TRACERS_TEXT_MAX ((size_t)64 * 1024 * 1024) /* bytes of either file */

struct kernel_traced {
	const char *object; /* "vmlinux" or a module */
	const char *name;
};

enum kernel_tracer_kind {
	KERNEL_TRACER_KPROBE,
	KERNEL_TRACER_KRETPROBE,
	KERNEL_TRACER_REDIRECT, /* IPMODIFY, and no livepatch: it keeps patches out */
	KERNEL_TRACER_DIRECT,   /* a direct call */
};

struct kernel_tracer {
	enum kernel_tracer_kind kind;
	char object[KERNEL_MODULE_NAME_MAX + 1];
	char name[KERNEL_SYMBOL_MAX + 1]; /* of the function */
};

struct kernel_tracers {
	struct kernel_tracer *items; /* on the functions asked for, at most KERNEL_TRACERS_MAX */
	size_t n;
	size_t kprobes;   /* all of them, on whatever function */
	size_t redirects; /* all KERNEL_TRACER_REDIRECT */
	bool cut;         /* there are more than KERNEL_TRACERS_MAX on these functions */
	int kprobes_error, ftrace_error; /* 0: read; else why that file could not be read */
};

/*
 * Reads /sys/kernel/debug/kprobes/list (report_probe(), kernel/kprobes.c) and enabled_functions of
 * tracefs (t_show(), kernel/trace/ftrace.c). Files that cannot be read are no error, and said in
 * the result. ERR_NO_MEMORY. Free with kernel_tracers_free().
 */
int kernel_tracers_read(const char *root, const struct kernel_traced *functions, size_t n,
			struct kernel_tracers *ret, struct error *err);
void kernel_tracers_free(struct kernel_tracers *tracers);

/* Would the kernel refuse to patch one of these functions? ERR_BAD_STATE names it, with the cure; 0
 * if not, or if it cannot be told: then the kernel decides. */
int kernel_tracers_permit(const char *root, const struct kernel_traced *functions, size_t n,
			  struct error *err);
/* The same from what was read. */
int kernel_tracers_judge(const struct kernel_tracers *tracers, struct error *err);
