/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Livepatches of the running kernel, through /sys/kernel/livepatch (the kernel's
 * Documentation/ABI/testing/sysfs-kernel-livepatch): what is there, and going back.
 */
#pragma once

#include "base/error.h"

#define KERNEL_MODULE_NAME_MAX 55  /* MODULE_NAME_LEN of 64-bit kernels less its zero */
#define KERNEL_SYMBOL_MAX      511 /* KSYM_NAME_LEN less its zero */
#define KERNEL_LIVEPATCH_MAX   64
#define KERNEL_LIVEPATCH_FUNCS 4096

struct kernel_livepatch {
	char name[KERNEL_MODULE_NAME_MAX + 1]; /* of its module */
	bool enabled;                          /* the kernel goes towards, or is in, the patch */
	bool transition;                       /* tasks are still changing over */
};

/* At most `max` livepatches into `ret`, sorted by name; returns how many. None when the kernel has
 * no livepatch support. ERR_TOO_LARGE over `max`. One that vanishes meanwhile is left out. */
int kernel_livepatch_list(const char *root, struct kernel_livepatch *ret, size_t max,
			  struct error *err);

/* One livepatch; ERR_NOT_FOUND (without a message) when it is not there. */
int kernel_livepatch_get(const char *root, const char *name, struct kernel_livepatch *ret);

/* One function that a livepatch replaces; `sympos` as sysfs says it: 0 never, 1 for the first. */
struct kernel_livepatch_func {
	char object[KERNEL_MODULE_NAME_MAX + 1]; /* "vmlinux" or a module */
	char *name;
	unsigned int sympos;
};

struct kernel_livepatch_funcs {
	struct kernel_livepatch_func *items; /* sorted by object, then name */
	size_t n;
};

/* What `name` replaces. The result is freed with kernel_livepatch_funcs_free(). */
int kernel_livepatch_funcs(const char *root, const char *name, struct kernel_livepatch_funcs *ret,
			   struct error *err);
void kernel_livepatch_funcs_free(struct kernel_livepatch_funcs *funcs);

/*
 * Waits until `name` is applied wholly (`target` true: enabled, no transition) or gone (`target`
 * false: the kernel removes the folder when every task has changed back).
 * `cancel_fd` (or -1) ends the wait when it becomes readable.
 * Errors: ERR_STUCK after `timeout_ms`, ERR_KERNEL_REFUSED when the patch vanished or was turned
 * round while waiting for `target` true, -ECANCELED.
 */
int kernel_livepatch_wait(const char *root, const char *name, bool target, int timeout_ms,
			  int cancel_fd, struct error *err);

/*
 * Tells the kernel to go out of the patch (`enabled` false) or into it: starts a transition, or
 * turns a running one round. Does not wait. A patch that is not there is no error when it is to be
 * out. -EBUSY while another livepatch changes over.
 */
int kernel_livepatch_set(const char *root, const char *name, bool enabled, struct error *err);
