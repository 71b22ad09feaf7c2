/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/stat.h>

#include "server/data_dir.h"
#include "server/secret.h"

static void check_password(const char *dir, struct store *store)
{
	_cleanup_free_ char *path = path_join(dir, "admin-password", NULL);
	_cleanup_free_ char *password = NULL;
	char hash[STORE_HASH_MAX + 1];
	struct error err = { 0 };
	struct stat st;

	assert_ok(file_read_line(path, &password, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(store_user_get(store, DATA_ADMIN_USER, hash, &err), &err);
	assert_ok(password_check(password, hash, &err), &err);
}

static void first_user_once(void **state _unused_)
{
	char *top = unit_make_dir(), *path = path_join(top, "data", NULL);
	_cleanup_data_dir_ struct data_dir dir = { .lock_fd = -1 };
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *file = path_join(path, "admin-password", NULL);
	struct error err = { 0 };
	struct stat st;

	assert_ok(data_dir_open(path, &dir, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_ok(data_dir_open_store(&dir, &store, &err), &err);
	/* A file without its user is what a crash in between leaves. */
	assert_ok(file_write_atomic(file, "half\n", 5, 0644, &err), &err);
	assert_ok(data_dir_first_user(&dir, store, &err), &err);
	check_password(path, store);
	/* The owner may take the file away: there is a user. */
	assert_int_equal(unlink(file), 0);
	assert_ok(data_dir_first_user(&dir, store, &err), &err);
	assert_false(file_exists(file));
	free(path);
	unit_remove_dir(top);
}

static void one_at_a_time(void **state _unused_)
{
	char *path = unit_make_dir();
	struct data_dir first = { .lock_fd = -1 }, second = { .lock_fd = -1 };
	struct error err = { 0 };

	assert_ok(data_dir_open(path, &first, &err), &err);
	assert_int_equal(data_dir_open(path, &second, &err), ERR_BAD_STATE);
	data_dir_close(&first);
	assert_ok(data_dir_open(path, &second, &err), &err);
	data_dir_close(&second);
	unit_remove_dir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_user_once),
		cmocka_unit_test(one_at_a_time),
	};

	return cmocka_run_group_tests_name("data dir", tests, NULL, NULL);
}
