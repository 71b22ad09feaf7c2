/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the kernel's own build system in a prepared build folder. */
#pragma once

#include "build/output/timings.h"
#include "package/kernel_cache.h"

/* A kernel with its prepared build folder. */
struct kbuild {
	const struct kernel *kernel; /* not owned */
	char *source;                /* absolute path of the source tree */
	char *laid_over;        /* package whose headers were laid over a plain source, or NULL:
				   other files may differ from those of the kernel's build */
	char *compiler;         /* name of the compiler, e.g. "x86_64-linux-gnu-gcc-12" */
	char *compiler_version; /* first line of its --version */
	int jobs;
	struct timings *timings; /* not owned; may be NULL */
};

/* What to do if `laid_over` is set and code is not the kernel's, or does not compile. */
#define KBUILD_LAID_OVER_HINT                                                                    \
	"Debian's real-time patches are not in its source package: of this kernel only the "     \
	"headers below include/ have them; where they change this file, or a header beside it, " \
	"prepare the kernel with --source and a tree with the patches in it"

void kbuild_free(struct kbuild *kbuild);
#define _cleanup_kbuild_ _cleanup_(kbuild_free)

/*
 * Reads by which compiler the kernel was built (CONFIG_CC_VERSION_TEXT) and finds it here, under
 * that name or as gcc-MAJOR. Another version of it makes other code, so that no function would be
 * proven: it is refused. `config` is the path of a kernel configuration. ERR_UNSUPPORTED, with the
 * package to install as the hint, if it is missing.
 */
int kbuild_find_compiler(const char *config, char **ret_name, char **ret_version,
			 struct error *err);

/*
 * Runs make in the kernel's build folder with the fixed variables that make its output repeatable.
 * `arguments`: targets and variables, NULL-terminated. On failure the message holds make's first
 * complaint (ERR_CHILD). `output` (may be NULL) gets everything that it printed.
 */
int kbuild_make(const struct kbuild *kbuild, const char *const *arguments, struct buf *output,
		struct error *err);

/*
 * The make file in the build folder that every make reads first (GNU make's MAKEFILES), for the
 * caller to free. It may be missing.
 */
char *kbuild_extra_makefile(const struct kernel *kernel);

/* The first line of a compiler's or make's output that says what went wrong, or its last line. */
void kbuild_first_error(const char *output, char *ret, size_t size);
