/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the kernel cache: its folders and their locks. */
#pragma once

#include "package/kernel_cache.h"

/*
 * Three locks, taken in this order: on the kernel's folder (shared by those that use it, exclusive
 * for who removes it or prepares it anew), RELEASE.lock (kernel_lock(): one writer at a time), on
 * the folder of sources.
 */

/* The folder kernels/RELEASE of the cache (with an empty release: kernels itself, which is made).
 * The caller frees. ERR_INVALID for what is no release. */
int kernel_release_folder(const char *release, char **ret, struct error *err);

/* Locks a kernel's folder, shared; waits for one who has it alone. ERR_NOT_FOUND: no such folder.
 */
int kernel_folder_lock(const char *folder, kernel_say_fn say, int *ret_fd, struct error *err);
/* Makes that lock exclusive. The folder may have been removed meanwhile: ERR_NOT_FOUND. */
int kernel_folder_claim(const char *folder, int fd, kernel_say_fn say, struct error *err);

/* Removes the lock of a release that is not in the cache. The caller holds it. */
void kernel_lock_forget(const char *release);

/* Releases that anything in the folder of kernels belongs to, sorted: also a lock, or what a killed
 * command left. */
int kernel_names(struct name_list *ret, struct error *err);
