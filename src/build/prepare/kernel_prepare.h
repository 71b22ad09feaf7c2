/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preparing a cached kernel for building: headers, source tree, configured build folder. */
#pragma once

#include "build/unit/kbuild.h"
#include "build/prepare/kernel_source.h"

/*
 * Makes the kernel ready once: configuration and `Module.symvers` of the headers package, the
 * source package of the image's version, modules_prepare. The configuration is taken as it was
 * shipped; where the headers hold only a `.config`, olddefconfig must leave it as it is. What
 * kbuild makes of the headers must be what the package holds of it. Then lists what is compiled and
 * what that includes (unit_list.h, include_graph.h). Does nothing if all that was done by the code
 * of this very program; else it waits for those who use the kernel. It comes from kernel_use() or
 * kernel_fetch(). `say` is told each step. Errors: those of apt_download() and unpack_deb(),
 * ERR_NOT_FOUND (apt has no source of that version), ERR_MISMATCH (files that do not belong
 * together), ERR_UNSUPPORTED (no compiler; no livepatch support in this kernel), ERR_CHILD (make).
 */
int kernel_prepare(const struct kernel *kernel, const struct prepare_origin *origin, int jobs,
		   kernel_say_fn say, struct error *err);

/* Opens what kernel_prepare() made. ERR_NOT_FOUND, with the command that makes it as the hint, also
 * if a program with other code made it. The kernel must outlive it. */
int kernel_prepared(const struct kernel *kernel, int jobs, struct kbuild *ret, struct error *err);
