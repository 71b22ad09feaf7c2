/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "server/rate_limit.h"

static void slows_down(void **state _unused_)
{
	struct error err = { 0 };
	struct rate_limit *limit;

	assert_ok(rate_limit_new(3, 60, &limit, &err), &err);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rate_limit_wait(limit, "admin", 1000 * i), 0);
		rate_limit_failed(limit, "admin", 1000 * i);
	}
	assert_int_equal(rate_limit_wait(limit, "admin", 2000), 58);
	assert_int_equal(rate_limit_wait(limit, "admin", 59001), 1);
	assert_int_equal(rate_limit_wait(limit, "admin", 60000), 0);
	assert_int_equal(rate_limit_wait(limit, "other", 2000), 0);
	/* After the window the count starts anew. */
	rate_limit_failed(limit, "admin", 60000);
	assert_int_equal(rate_limit_wait(limit, "admin", 60001), 0);
	rate_limit_free(limit);
}

static void forgets_on_success(void **state _unused_)
{
	struct error err = { 0 };
	struct rate_limit *limit;

	assert_ok(rate_limit_new(1, 60, &limit, &err), &err);
	rate_limit_failed(limit, "admin", 5);
	assert_int_equal(rate_limit_wait(limit, "admin", 5), 60);
	rate_limit_clear(limit, "admin");
	assert_int_equal(rate_limit_wait(limit, "admin", 5), 0);
	rate_limit_free(limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slows_down),
		cmocka_unit_test(forgets_on_success),
	};

	return cmocka_run_group_tests_name("rate limit", tests, NULL, NULL);
}
