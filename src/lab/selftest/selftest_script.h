/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tests that a script of the kernel's selftests (tools/testing/selftests/livepatch/test-*.sh)
 * holds, by reading it: what must come out when it runs, so that a script that stops early is no
 * success.
 */
#pragma once

#include "base/error.h"

#define SELFTEST_TESTS_MAX 32  /* of one script */
#define SELFTEST_TEXT_MAX  128 /* of a test's name, with its zero; longer ones are cut */

struct selftest_script {
	char tests[SELFTEST_TESTS_MAX][SELFTEST_TEXT_MAX]; /* printable ASCII, in their order */
	size_t n;
};

/*
 * Finds the calls of start_test, each on a line of its own with the test's name in quotes. A name
 * that the shell would still expand is kept as it stands. ERR_TOO_LARGE over SELFTEST_TESTS_MAX;
 * ERR_INVALID for a call whose name is not on its line.
 */
int selftest_script_read(const char *text, struct selftest_script *ret, struct error *err);

/* Copies printable ASCII, with '?' for any other byte, as far as it fits. */
void selftest_copy_text(char *to, size_t size, const void *from, size_t len);
