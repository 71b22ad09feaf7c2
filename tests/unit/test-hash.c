/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/hash.h"

/* FIPS 180-2, appendix B.1. */
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void known_digest(void **state _unused_)
{
	char hex[SHA256_HEX_LEN + 1];

	assert_int_equal(hash_sha256_hex("abc", 3, hex), 0);
	assert_string_equal(hex, SHA256_ABC);
}

static void file_digest(void **state _unused_)
{
	char *dir = unit_make_dir(), hex[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *path = path_join(dir, "f", NULL);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, "abc", 3, 0600, &err), &err);
	assert_ok(hash_sha256_file(path, hex, &err), &err);
	assert_string_equal(hex, SHA256_ABC);
	assert_int_equal(hash_sha256_file(dir, hex, &err), ERR_INVALID);
	assert_int_equal(hash_sha256_file("/nowhere", hex, &err), -ENOENT);
	unit_remove_dir(dir);
}

static void hexadecimal(void **state _unused_)
{
	uint8_t bytes[3];
	char text[7];

	assert_int_equal(hex_decode("00fFa5", 3, bytes), 0);
	hex_encode(bytes, 3, text);
	assert_string_equal(text, "00ffa5");
	assert_int_equal(hex_decode("00ff", 3, bytes), ERR_INVALID);
	assert_int_equal(hex_decode("00ffa55a", 3, bytes), ERR_INVALID);
	assert_int_equal(hex_decode("00fg00", 3, bytes), ERR_INVALID);
	assert_true(hex_is_lower("00ffa5", 6));
	assert_false(hex_is_lower("00FFa5", 6));
	assert_false(hex_is_lower("00ffa", 6));
}

static void random_differs(void **state _unused_)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	struct error err = { 0 };

	assert_ok(random_bytes(a, sizeof(a), &err), &err);
	assert_ok(random_bytes(b, sizeof(b), &err), &err);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digest),
		cmocka_unit_test(file_digest),
		cmocka_unit_test(hexadecimal),
		cmocka_unit_test(random_differs),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
