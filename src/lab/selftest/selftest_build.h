/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling the modules and programs of the livepatch selftests for a prepared kernel. */
#pragma once

#include "lab/guest/path_list.h"
#include "lab/selftest/selftest_files.h"

#define SELFTEST_SAID_MAX 4096 /* of what the compiler said, with its zero */

struct selftest_built {
	struct path_list modules;     /* *.ko */
	struct path_list programs;    /* static */
	char said[SELFTEST_SAID_MAX]; /* after ERR_CHILD: the compiler's last lines, printable
					 ASCII and newlines */
};

/*
 * Copies the sources to `dir` (an existing folder of one's own), compiles the modules there with
 * the kernel's own kbuild, and the programs with its compiler. Errors: -errno, ERR_CHILD (something
 * does not compile), ERR_TIMEOUT.
 */
int selftest_build(const struct kernel *kernel, const struct selftest_files *files, const char *dir,
		   int jobs, struct selftest_built *ret, struct error *err);
void selftest_built_free(struct selftest_built *built);
#define _cleanup_selftest_built_ _cleanup_(selftest_built_free)
