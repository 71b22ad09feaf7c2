/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a script of the kernel's selftests prints: for each test "TEST: NAME ... " as it begins and
 * "ok" or "not ok" as it ends, and after a failure why. It comes out of a guest: any bytes, of any
 * number.
 */
#pragma once

#include "lab/guest/console.h"
#include "lab/selftest/selftest_script.h"

#define SELFTEST_LINE_MAX 1024

enum selftest_result {
	SELFTEST_OPEN, /* begun, and not ended */
	SELFTEST_OK,
	SELFTEST_NOT_OK,
};

struct selftest_seen {
	char name[SELFTEST_TEXT_MAX];
	enum selftest_result result;
	int64_t begin_ms, end_ms; /* an open test ends with the output */
};

/* Zero-initialise. All texts are printable ASCII. */
struct selftest_output {
	struct selftest_seen tests[SELFTEST_TESTS_MAX];
	size_t n;
	size_t beyond;                  /* tests for which there was no more room */
	char reason[SELFTEST_TEXT_MAX]; /* of the first "ERROR: ", "SKIP: " or "skip all tests: ",
					   with that word; "" */
	char excerpt[CONSOLE_EXCERPT_MAX]; /* from the first test that is not ok, or else the last
					      one, onwards */
	/* The line that is coming in, and how much of `excerpt` is used. */
	char line[SELFTEST_LINE_MAX];
	size_t len, used;
	int64_t line_ms;
};

/* The next bytes of output, and when they came. */
void selftest_output_feed(struct selftest_output *output, const void *data, size_t len,
			  int64_t now_ms);
/* The output has ended. */
void selftest_output_end(struct selftest_output *output, int64_t now_ms);
