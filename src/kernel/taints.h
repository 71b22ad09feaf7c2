/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has against itself, and who caused it (kernel/panic.c and kernel/module/ of 6.1
 * and 6.12, Documentation/admin-guide/tainted-kernels.rst).
 */
#pragma once

#include "kernel/livepatch.h"

#define KERNEL_TAINTS            19
#define KERNEL_TAINT_CAUSES_MAX  256

#define KERNEL_TAINT_PROPRIETARY 0
#define KERNEL_TAINT_FORCED      1
#define KERNEL_TAINT_OUT_OF_TREE 12
#define KERNEL_TAINT_UNSIGNED    13
#define KERNEL_TAINT_LIVEPATCH   15

struct kernel_taint {
	char letter;         /* as in an oops and in /sys/module/NAME/taint */
	bool by_module;      /* a module may be its cause */
	const char *meaning; /* "a kernel warning was printed" */
};

/* The taint of a bit of /proc/sys/kernel/tainted; from KERNEL_TAINTS on, one of unknown meaning. */
const struct kernel_taint *kernel_taint_of(unsigned int bit);

/* A module with taints, loaded now or gone since. */
struct kernel_taint_cause {
	char module[KERNEL_MODULE_NAME_MAX + 1];
	char letters[KERNEL_TAINTS + 1];
	bool gone;
};

struct kernel_taints {
	struct kernel_taint_cause *causes; /* sorted by name; the owner frees */
	size_t n;
	bool gone_known; /* this kernel remembers modules that have gone, and let it be read */
	bool cut;        /* there are more causes than KERNEL_TAINT_CAUSES_MAX */
};

/*
 * Reads /sys/module/NAME/taint of every module, and of those that have gone
 * /sys/kernel/debug/modules/unloaded_tainted (CONFIG_MODULE_UNLOAD_TAINT_TRACKING; few kernels have
 * it). What cannot be read is left out. ERR_NO_MEMORY. Free with kernel_taints_free().
 */
int kernel_taints_read(const char *root, struct kernel_taints *ret, struct error *err);
void kernel_taints_free(struct kernel_taints *taints);
