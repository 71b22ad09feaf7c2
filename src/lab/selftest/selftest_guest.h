/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scripts of the livepatch selftests need in their guest. */
#pragma once

#include "lab/selftest/selftest_build.h"

#define SELFTEST_GUEST_FOLDER "/selftest"

/*
 * Adds to `ret`, as guest_options.programs has them, the programs of this machine that the scripts
 * call in a way that busybox does not know; `more` (may be NULL): others, which come first.
 * ERR_NOT_FOUND, with the package as the hint.
 */
int selftest_guest_programs(const char *const *more, struct path_list *ret, struct error *err);
/* The same for guest_options.files: scripts, modules and programs, where the scripts look for them.
 */
int selftest_guest_files(const char *const *more, const struct selftest_files *files,
			 const struct selftest_built *built, struct path_list *ret,
			 struct error *err);
