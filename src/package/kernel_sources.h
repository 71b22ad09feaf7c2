/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the kernel cache: the source trees that its kernels share. */
#pragma once

#include "package/kernel_cache.h"

/* Removes the source tree of a kernel that is not in the cache any more, unless another one that is
 * shares it. */
int kernel_source_remove(const struct kernel *gone, struct error *err);

/* Removes what is left of trees whose removal was interrupted. */
int kernel_sources_sweep(struct error *err);
