// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lab/bisect/livepatch_subset.h"
#include "sample_livepatch.h"

/* vmlinux:one_show and, at position 3, nf_tables:two_show; with `more`, one of vmlinux's after it.
 */
static void make(struct buf *out, bool more)
{
	struct sample_livepatch m;

	sample_livepatch_make(&m, true, true);
	if (more) {
		uint64_t sympos = 5;

		memcpy(m.data->data + SAMPLE_FIRST + 40 + 16, &sympos, sizeof(sympos));
		sample_point(&m, SAMPLE_FIRST + 40, m.strings->symbol, 9);
		sample_point(&m, SAMPLE_FIRST + 48, m.code, 0);
	}
	sample_relas(m.object, m.data, m.relas, m.rela_count);
	assert_int_equal(elf_object_write(m.object, out, NULL), 0);
	elf_object_free(m.object);
}

/* The module with a part of its functions, read again. */
static void part(const bool *keep, bool more, struct livepatch_subset *ret)
{
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20), smaller = BUF_INIT(1 << 20);
	_cleanup_livepatch_subset_ struct livepatch_subset whole = { 0 };
	struct error err = { 0 };

	make(&file, more);
	assert_int_equal(livepatch_subset_read(file.data, file.len, &whole, &err), 0);
	assert_int_equal(whole.tables.function_count, more ? 3 : 2);
	assert_int_equal(livepatch_subset_write(&whole, keep, &smaller, &err), 0);
	assert_int_equal(livepatch_subset_read(smaller.data, smaller.len, ret, &err), 0);
}

static void test_all(void **state)
{
	(void)state;
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };

	part((const bool[]){ true, true, true }, true, &s);
	assert_int_equal(s.tables.function_count, 3);
	assert_string_equal(s.tables.functions[1].name, "two_show");
	assert_int_equal(s.tables.functions[1].sympos, 5);
	assert_string_equal(s.tables.functions[2].object, "nf_tables");
}

/* The last of a table takes the place of the first, with its position and its code. */
static void test_first_goes(void **state)
{
	(void)state;
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };

	part((const bool[]){ false, true, true }, true, &s);
	assert_int_equal(s.tables.function_count, 2);
	assert_string_equal(s.tables.functions[0].object, "vmlinux");
	assert_string_equal(s.tables.functions[0].name, "two_show");
	assert_string_equal(s.tables.functions[0].symbol, "new_show");
	assert_int_equal(s.tables.functions[0].sympos, 5);
	assert_int_equal(s.tables.functions[0].at, SAMPLE_FIRST);
	assert_string_equal(s.tables.functions[1].object, "nf_tables");
	assert_int_equal(s.tables.functions[1].sympos, 3);
}

/* An object without functions stays, with its callbacks; states too. */
static void test_object_is_empty(void **state)
{
	(void)state;
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };

	part((const bool[]){ true, false }, false, &s);
	assert_int_equal(s.tables.function_count, 1);
	assert_int_equal(s.tables.object_count, 2);
	assert_true(s.tables.objects[1].callbacks);
	assert_int_equal(s.tables.state_count, 2);
}

static void test_nothing_left(void **state)
{
	(void)state;
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };

	part((const bool[]){ false, false, false }, true, &s);
	assert_int_equal(s.tables.function_count, 0);
	assert_int_equal(s.tables.object_count, 2);
}

/* Cut anywhere, it is refused or read, and never more than that. */
static void test_damaged(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);

	make(&file, true);
	for (size_t len = 0; len < file.len; len += 7) {
		_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };
		struct error err = { 0 };

		assert_true(livepatch_subset_read(file.data, len, &s, &err) < 0);
		assert_true(err.message[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_first_goes),
		cmocka_unit_test(test_object_is_empty),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
