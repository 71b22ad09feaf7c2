/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source tree from which a kernel is prepared for building. */
#pragma once

#include "build/prepare/kernel_match.h"
#include "package/kernel_cache.h"

/* Where headers, source and configuration come from; NULL members: through apt. */
struct prepare_origin {
	const char *headers; /* a linux-headers .deb, or its unpacked folder */
	const char
		*common; /* of a real-time kernel: the .deb of the headers that its flavours share
			  */
	const char *source; /* a linux-source .deb, or an unpacked tree (used in place) */
	const char *config; /* a kernel configuration instead of the headers' */
};

/* The parts of one preparation. */
struct preparation {
	const struct kernel *kernel;
	const struct prepare_origin *origin;
	struct kernel_banner banner; /* of the image */
	const char *tmp;             /* a folder beside the source trees */
	kernel_say_fn say;
};

/* A given package must be of the kernel's own version. Errors: those of deb_info_read() and
 * kernel_match_package(). */
int preparation_check_package(const struct preparation *p, const char *what, const char *name,
			      const char *deb, struct error *err);

/*
 * Finds the source tree: the one at hand, or the source package of the image's version, unpacked
 * once for all kernels that are built from it. For a real-time kernel of Debian, whose patches that
 * package lacks, a tree of the kernel's own (KERNEL/source): the plain one, with the patched
 * headers of linux-headers-…-common-rt laid over it; its other files are the plain ones; `ret_laid`
 * is that package then, else NULL. The caller frees both strings. Errors: those of apt_download(),
 * unpack_deb() and laid_tree_make(), ERR_MISMATCH (another version), ERR_UNSUPPORTED (a tree in
 * which a kernel was built; not known what it was built from).
 */
int kernel_source_get(const struct preparation *p, bool realtime, char **ret, char **ret_laid,
		      struct error *err);

/* The error for a kernel whose image does not say what it was built from. */
int kernel_source_unknown(const struct kernel *kernel, struct error *err);
