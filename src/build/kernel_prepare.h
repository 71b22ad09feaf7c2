/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preparing a cached kernel for building: headers, source tree, configured build folder. */
#pragma once

#include "build/kbuild.h"

/* Where headers, source and configuration come from; NULL members: through apt. */
struct prepare_origin {
	const char *headers; /* a linux-headers .deb, or its unpacked folder */
	const char *source;  /* a linux-source .deb, or an unpacked tree (used in place) */
	const char *config;  /* a kernel configuration instead of the headers' */
};

/*
 * Makes the kernel ready once: `.config` and `Module.symvers` of the headers package, the source
 * package of the image's version, olddefconfig, modules_prepare. Does nothing if that is done.
 * `say` is told each step. Errors: those of apt_download() and unpack_deb(), ERR_NOT_FOUND (apt has
 * no source of that version), ERR_UNSUPPORTED (no compiler; no livepatch support in this kernel),
 * ERR_CHILD (make).
 */
int kernel_prepare(const struct kernel *kernel, const struct prepare_origin *origin, int jobs,
		   kernel_say_fn say, struct error *err);

/* Opens what kernel_prepare() made. ERR_NOT_FOUND with the command that makes it as the hint. The
 * kernel must outlive it. */
int kernel_prepared(const struct kernel *kernel, int jobs, struct kbuild *ret, struct error *err);
