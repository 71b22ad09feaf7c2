/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes: cmocka with its own order of headers, and a temporary folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* A new empty folder under $TMPDIR or /tmp; the caller frees the name, after unit_remove_dir(). */
static inline char *unit_make_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = path_join(base ? base : "/tmp", "suture-unit-XXXXXX", NULL);

	assert_non_null(path);
	assert_non_null(mkdtemp(path));
	return path;
}

static inline void unit_remove_dir(char *path)
{
	struct error err = { 0 };

	if (file_remove_tree(path, &err) < 0)
		fail_msg("%s", err.message);
	free(path);
}

/* Fails the test with the error's message when `expression` is negative. */
#define assert_ok(expression, err)                                       \
	do {                                                             \
		if ((expression) < 0)                                    \
			fail_msg("%s: %s", #expression, (err)->message); \
	} while (0)
