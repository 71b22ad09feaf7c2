/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/buf.h"

static void stays_within_its_maximum(void **state _unused_)
{
	_cleanup_buf_ struct buf b = BUF_INIT(5);

	assert_int_equal(buf_append(&b, "abc", 3), 0);
	assert_int_equal(buf_append(&b, "def", 3), ERR_TOO_LARGE);
	assert_string_equal(buf_str(&b), "abc");
	assert_int_equal(buf_append(&b, "de", 2), 0);
	assert_string_equal(buf_str(&b), "abcde");
	assert_int_equal(buf_append_byte(&b, 'f'), ERR_TOO_LARGE);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_TOO_LARGE);
	assert_int_equal(buf_printf(&b, "%d", 1), ERR_TOO_LARGE);
	assert_int_equal(b.len, 5);
}

static void grows_byte_by_byte(void **state _unused_)
{
	_cleanup_buf_ struct buf b = BUF_INIT(100000);

	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_append_byte(&b, (uint8_t)i), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	assert_int_equal(b.data[b.len], 0);
}

static void aligns_with_zeros(void **state _unused_)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64);

	assert_int_equal(buf_append(&b, "\1\2\3", 3), 0);
	assert_int_equal(buf_align(&b, 8), 0);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "\1\2\3\0\0\0\0\0", 8);
	assert_int_equal(buf_align(&b, 8), 0);
	assert_int_equal(b.len, 8);
}

static void percent_encodes(void **state _unused_)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64), small = BUF_INIT(4);

	assert_int_equal(buf_append_percent(&b, "azAZ09-._~", ""), 0);
	assert_int_equal(buf_append_percent(&b, "/+ %\xc3\xbc\x1f@`[{", "/"), 0);
	assert_string_equal(buf_str(&b), "azAZ09-._~/%2B%20%25%C3%BC%1F%40%60%5B%7B");
	assert_int_equal(buf_append_percent(&b, "", ""), 0);
	assert_int_equal(buf_append_percent(&small, "a+", ""), 0);
	assert_int_equal(buf_append_percent(&small, "b", ""), ERR_TOO_LARGE);
	buf_clear(&small);
	assert_int_equal(buf_append_byte(&small, 'a'), 0);
	assert_int_equal(buf_append_percent(&small, "b+", ""), ERR_TOO_LARGE);
	assert_string_equal(buf_str(&small), "a");
}

static void hands_over_and_starts_again(void **state _unused_)
{
	_cleanup_buf_ struct buf b = BUF_INIT(64);
	size_t len;

	_cleanup_free_ uint8_t *nothing = buf_take(&b, &len);
	assert_non_null(nothing);
	assert_int_equal(len, 0);
	assert_int_equal(buf_printf(&b, "%s-%d", "x", 7), 0);
	_cleanup_free_ uint8_t *bytes = buf_take(&b, &len);
	assert_string_equal(bytes, "x-7");
	assert_int_equal(len, 3);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_append_str(&b, "again"), 0);
	buf_clear(&b);
	assert_string_equal(buf_str(&b), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_within_its_maximum),    cmocka_unit_test(grows_byte_by_byte),
		cmocka_unit_test(aligns_with_zeros),           cmocka_unit_test(percent_encodes),
		cmocka_unit_test(hands_over_and_starts_again),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
