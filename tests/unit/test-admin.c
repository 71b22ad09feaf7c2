/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "admin/client.h"
#include "admin/verbs.h"

static void spans(void **state _unused_)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = { { "1", 1 },       { "90s", 90 },        { "15m", 900 },
		     { "12h", 43200 }, { "366d", 31622400 }, { "31622400", 31622400 } };
	static const char *const bad[] = { "",   "0",   "0d", "367d", "31622401", "1w",
					   "-1", "1dd", "1 ", "d",    "1.5h",     "9999999999999" };
	int64_t seconds;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(admin_parse_span(good[i].text, &seconds, NULL), 0);
		assert_int_equal(seconds, good[i].seconds);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(admin_parse_span(bad[i], &seconds, NULL), ERR_USAGE);
}

static void nobody_answers(void **state _unused_)
{
	_cleanup_session_ struct session session = { 0 };
	struct error err = { 0 };
	json_t *answer = NULL;

	/* Port 1 of loopback: nothing listens there. */
	assert_ok(session_set_url(&session, "https://127.0.0.1:1", &err), &err);
	assert_int_equal(client_request(&session, "GET", "/v1/x", NULL, &answer, &err),
			 ERR_UNREACHABLE);
	assert_null(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans),
		cmocka_unit_test(nobody_answers),
	};

	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
