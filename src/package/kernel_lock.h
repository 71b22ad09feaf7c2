/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the kernel cache: its folders and their locks. */
#pragma once

#include "base/error.h"

/* The folder kernels/RELEASE of the cache (with an empty release: kernels itself, which is made).
 * The caller frees. ERR_INVALID for what is no release. */
int kernel_release_folder(const char *release, char **ret, struct error *err);

/* Removes the lock of a release that is not in the cache. The caller holds it. */
void kernel_lock_forget(const char *release);
