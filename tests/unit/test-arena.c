/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena.h"

static void pieces_are_zero_aligned_and_apart(void **state)
{
	(void)state;
	_cleanup_arena_ struct arena *a = arena_new(1 << 20);
	uint8_t *pieces[64];

	for (size_t i = 0; i < 64; i++) {
		pieces[i] = arena_alloc(a, i, 7);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < i * 7; k++) {
			assert_int_equal(pieces[i][k], 0);
			pieces[i][k] = (uint8_t)i;
		}
	}
	for (size_t i = 0; i < 64; i++)
		for (size_t k = 0; k < i * 7; k++)
			assert_int_equal(pieces[i][k], i);
}

static void maximum_and_overflow_are_refused(void **state)
{
	(void)state;
	_cleanup_arena_ struct arena *a = arena_new(1 << 20);

	assert_null(arena_alloc(a, SIZE_MAX, 2));
	assert_null(arena_alloc(a, SIZE_MAX, 1));
	assert_null(arena_alloc(a, (1 << 20) + 1, 1));
	assert_non_null(arena_alloc(a, 1 << 19, 1));
	assert_non_null(arena_alloc(a, 1 << 19, 1));
	assert_null(arena_alloc(a, 1, 1));
	assert_null(arena_strdup(a, "x"));
}

static void large_pieces_do_not_disturb_small_ones(void **state)
{
	(void)state;
	_cleanup_arena_ struct arena *a = arena_new(8 << 20);
	char *small = arena_strdup(a, "before");
	uint8_t *large = arena_alloc(a, 1 << 20, 1);
	char *after = arena_printf(a, "%s %d", small, 7);

	assert_non_null(large);
	memset(large, 0xff, 1 << 20);
	assert_string_equal(small, "before");
	assert_string_equal(after, "before 7");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_memory_equal(arena_memdup(a, "x\0y", 3), "x\0y", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_aligned_and_apart),
		cmocka_unit_test(maximum_and_overflow_are_refused),
		cmocka_unit_test(large_pieces_do_not_disturb_small_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
