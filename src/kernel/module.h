/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading a module into the running kernel from memory, and removing one. */
#pragma once

#include "base/error.h"

/*
 * Copies bytes into an anonymous memory file, seals it against every change (F_SEAL_WRITE,
 * F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL) and closes every other way to it: what is hashed
 * afterwards is what the kernel reads. The caller owns the descriptor.
 */
int kernel_module_seal(const char *name, const void *data, size_t len, int *ret_fd,
		       struct error *err);

/*
 * finit_module(2) of a descriptor that kernel_module_seal() made. `parameters` is the module's
 * parameter string, usually "". A livepatch is enabled by its own init function, so its transition
 * has begun when this returns 0. ERR_KERNEL_REFUSED explains what the kernel's errno means for a
 * livepatch; ERR_NO_MEMORY; ERR_UNSUPPORTED when `root` is not the running machine.
 */
int kernel_module_load(const char *root, int fd, const char *name, const char *parameters,
		       struct error *err);

/* What an errno of finit_module(2) means: sets ERR_KERNEL_REFUSED (or ERR_NO_MEMORY) with a message
 * and, where there is one, the cure. Follows kernel/module/main.c, signing.c and livepatch/core.c.
 */
int kernel_module_explain(int errnum, const char *name, struct error *err);

/* True when a module of this name is loaded (coming and going ones too). */
bool kernel_module_is_loaded(const char *root, const char *name);

/*
 * delete_module(2), again while somebody still uses it, for at most `timeout_ms`. A module that is
 * not loaded is no error. ERR_STUCK after the time: it stays loaded, harmless, but a later load of
 * the same name would fail.
 */
int kernel_module_remove(const char *root, const char *name, int timeout_ms, struct error *err);
