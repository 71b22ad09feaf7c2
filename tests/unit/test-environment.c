/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/prepare/environment.h"

static void only_what_is_needed(void **state)
{
	static const char *const gone[] = {
		"CPATH", "GNUMAKEFLAGS", "MAKEFLAGS", "KBUILD_EXTRA",       "CFLAGS",
		"PATHS", "PAT",          "V",         "DEPENDENCIES_OUTPUT"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		assert_int_equal(setenv(gone[i], "x", 1), 0);
	assert_int_equal(setenv("XDG_CACHE_HOME", "/cache", 1), 0);
	assert_int_equal(setenv("LC_MESSAGES", "C", 1), 0);
	_cleanup_free_ char *path = strdup(getenv("PATH"));
	assert_int_equal(environment_clean(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		assert_null(getenv(gone[i]));
	assert_string_equal(getenv("PATH"), path);
	assert_string_equal(getenv("XDG_CACHE_HOME"), "/cache");
	assert_string_equal(getenv("LC_MESSAGES"), "C");
	/* cmocka looks here for how to report, at each line. */
	assert_null(getenv("CMOCKA_MESSAGE_OUTPUT"));
	assert_int_equal(setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_what_is_needed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
