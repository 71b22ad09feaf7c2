/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/stat.h>

#include "wire/session.h"

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
	assert_int_equal(session_load(NULL, &again, &err), ERR_NOT_FOUND);
	assert_true(err.hint[0] != 0);
	assert_ok(session_set_url(&session, "https://host", &err), &err);
	session.user = strdup("admin");
	session.secret = strdup("secret");
	assert_ok(session_save(&session, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(session_load(NULL, &again, &err), &err);
	assert_string_equal(again.url, "https://host");
	assert_string_equal(again.secret, "secret");
	assert_null(again.ca);
	session_clear(&again);
	assert_ok(session_load(path, &again, &err), &err);
	assert_string_equal(again.user, "admin");
	assert_int_equal(session_load(dir, &session, &err), ERR_INVALID);
	assert_string_equal(session.user, "admin");
	assert_ok(file_write_atomic(path, "{}", 2, 0600, &err), &err);
	assert_int_equal(session_load(NULL, &again, &err), ERR_INVALID);
	assert_ok(session_remove(&err), &err);
	assert_ok(session_remove(&err), &err);
	free(path);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(sessions_are_kept),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
