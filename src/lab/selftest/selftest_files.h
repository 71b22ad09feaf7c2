/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The livepatch selftests in a kernel's source tree. The scripts are in
 * tools/testing/selftests/livepatch; their modules in test_modules below it (since 6.9) or in
 * lib/livepatch (before); C files beside the scripts are programs that these start.
 */
#pragma once

#include "base/hash.h"
#include "lab/guest/path_list.h"
#include "package/kernel_cache.h"

/* Paths, sorted. */
struct selftest_files {
	struct path_list scripts;        /* test-*.sh: each holds tests */
	struct path_list others;         /* what they read: functions.sh */
	struct path_list modules;        /* test_klp_*.c */
	struct path_list programs;       /* *.c */
	char sha256[SHA256_HEX_LEN + 1]; /* over names and bytes of them all */
};

/*
 * The source tree of a prepared kernel that holds its selftests; the caller frees. ERR_NOT_FOUND,
 * with the command that prepares it as the hint, if the kernel is not prepared or its tree lacks
 * them.
 */
int selftest_tree(const struct kernel *kernel, char **ret, struct error *err);
/*
 * Lists the files below a source tree; `only`: NULL, or the names of the scripts that are wanted,
 * with or without "test-" and ".sh": then only the modules and programs that these name. Errors:
 * ERR_NOT_FOUND (no selftests there, or no such script), -errno.
 */
int selftest_files_list(const char *tree, const char *const *only, struct selftest_files *ret,
			struct error *err);
void selftest_files_free(struct selftest_files *files);
#define _cleanup_selftest_files_ _cleanup_(selftest_files_free)

/* The name without folder, "test-" and ending: "callbacks". Cut to `size`. */
void selftest_name(const char *path, char *ret, size_t size);
