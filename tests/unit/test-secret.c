/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "server/secret.h"
#include "wire/enrol.h"

static void secrets_are_tokens(void **state _unused_)
{
	char one[SECRET_TEXT_LEN + 1], two[SECRET_TEXT_LEN + 1];
	struct error err = { 0 };

	assert_ok(secret_new(one, &err), &err);
	assert_ok(secret_new(two, &err), &err);
	assert_int_equal(strlen(one), SECRET_TEXT_LEN);
	assert_true(token_secret_is_valid(one));
	assert_string_not_equal(one, two);
}

static void passwords(void **state _unused_)
{
	char one[PASSWORD_HASH_MAX], two[PASSWORD_HASH_MAX];
	struct error err = { 0 };

	assert_ok(password_hash("open sesame", one, &err), &err);
	assert_ok(password_hash("open sesame", two, &err), &err);
	assert_string_not_equal(one, two);
	assert_null(strstr(one, "sesame"));
	assert_ok(password_check("open sesame", one, &err), &err);
	assert_int_equal(password_check("open sesam", one, &err), ERR_DENIED);
	assert_int_equal(password_check("", one, &err), ERR_DENIED);
	assert_int_equal(password_check_nobody("open sesame", &err), ERR_DENIED);
}

static void damaged_hashes(void **state _unused_)
{
	static const char *const bad[] = { "", "scrypt$", "scrypt$32768$8$1$00$00", "scrypt$1$8$1$",
					   "plain" };
	char hash[PASSWORD_HASH_MAX];
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(password_check("x", bad[i], NULL), ERR_INVALID);
	assert_ok(password_hash("x", hash, &err), &err);
	hash[strlen(hash) - 1] = 'x';
	assert_int_equal(password_check("x", hash, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_tokens),
		cmocka_unit_test(passwords),
		cmocka_unit_test(damaged_hashes),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
