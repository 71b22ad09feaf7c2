/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/stat.h>

#include "admin/client.h"
#include "admin/session.h"
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

static void urls(void **state _unused_)
{
	static const char *const bad[] = { "",
					   "https://",
					   "http://host",
					   "https://h/v1",
					   "https://h?q",
					   "https://u@h",
					   "https://h#f",
					   "https://h h",
					   "//h" };
	_cleanup_session_ struct session session = { 0 };

	assert_int_equal(session_set_url(&session, "https://host:8444/", NULL), 0);
	assert_string_equal(session.url, "https://host:8444");
	assert_int_equal(session_set_url(&session, "https://[::1]:8444", NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(session_set_url(&session, bad[i], NULL), ERR_INVALID);
	assert_string_equal(session.url, "https://[::1]:8444");
}

static void sessions_are_kept(void **state _unused_)
{
	char *dir = unit_make_dir(), *path = path_join(dir, "suture/session.json", NULL);
	_cleanup_session_ struct session session = { 0 }, again = { 0 };
	struct error err = { 0 };
	struct stat st;

	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_int_equal(session_load(&again, &err), ERR_NOT_FOUND);
	assert_true(err.hint[0] != 0);
	assert_ok(session_set_url(&session, "https://host", &err), &err);
	session.user = strdup("admin");
	session.secret = strdup("secret");
	assert_ok(session_save(&session, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(session_load(&again, &err), &err);
	assert_string_equal(again.url, "https://host");
	assert_string_equal(again.secret, "secret");
	assert_null(again.ca);
	assert_ok(file_write_atomic(path, "{}", 2, 0600, &err), &err);
	assert_int_equal(session_load(&again, &err), ERR_INVALID);
	assert_ok(session_remove(&err), &err);
	assert_ok(session_remove(&err), &err);
	free(path);
	unit_remove_dir(dir);
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
		cmocka_unit_test(urls),
		cmocka_unit_test(sessions_are_kept),
		cmocka_unit_test(nobody_answers),
	};

	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
