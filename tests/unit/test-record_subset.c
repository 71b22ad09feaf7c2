// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include "lab/bisect/record_subset.h"
#include "sample_build_record.h"

#define OTHER_HASH "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ONE        SAMPLE_FUNCTION("one_show", "1")
#define TWO        SAMPLE_FUNCTION("two_show", "5")
#define THREE      SAMPLE_FUNCTION("two_show", "3")

/* What the module replaces; the first by a name that is unique. */
static struct tables_function functions[] = {
	{ .object = "vmlinux", .name = "one_show", .sympos = 0 },
	{ .object = "vmlinux", .name = "two_show", .sympos = 5 },
	{ .object = "nf_tables", .name = "two_show", .sympos = 3, .table = 1 },
};
static const struct tables tables = { .functions = functions, .function_count = 3 };

/* The record's text, and what record_subset_read() says of it. */
static int read_record(const char *vmlinux, const char *nf_tables, const char *callbacks,
		       struct record_subset *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);

	assert_int_equal(sample_build_record(&text, vmlinux, nf_tables, callbacks), 0);
	return record_subset_read(text.data, text.len, &tables, ret, err);
}

/* Cuts it; NULL: nothing was left to write. */
static struct record *cut(const struct record_subset *s, bool first, bool second, bool third)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct record *part = NULL;
	struct error err = { 0 };

	assert_ok(record_subset_write(s, (const bool[]){ first, second, third }, OTHER_HASH, &out,
				      &err),
		  &err);
	if (out.len > 0)
		assert_ok(record_parse(out.data, out.len, &part, &err), &err);
	return part;
}

static void test_cut(void **state)
{
	(void)state;
	_cleanup_record_subset_ struct record_subset s = { 0 };
	_cleanup_record_ struct record *outer = NULL, *all = NULL;
	struct error err = { 0 };

	assert_ok(read_record(ONE "," TWO, THREE, "false", &s, &err), &err);
	all = cut(&s, true, true, true);
	assert_int_equal(all->objects[0].n_functions, 2);
	assert_int_equal(all->objects[1].n_functions, 1);
	outer = cut(&s, true, false, true);
	assert_string_equal(outer->module_sha256, OTHER_HASH);
	assert_int_equal(outer->n_objects, 2);
	assert_int_equal(outer->objects[0].n_functions, 1);
	assert_string_equal(outer->objects[0].functions[0].name, "one_show");
	assert_string_equal(outer->objects[1].name, "nf_tables");
	assert_int_equal(outer->objects[1].functions[0].sympos, 3);
}

/* An object without functions goes, one with callbacks stays. */
static void test_empty_objects(void **state)
{
	(void)state;
	_cleanup_record_subset_ struct record_subset s = { 0 }, with = { 0 };
	_cleanup_record_ struct record *middle = NULL, *callbacks = NULL;
	struct error err = { 0 };

	assert_ok(read_record(ONE "," TWO, THREE, "false", &s, &err), &err);
	middle = cut(&s, false, true, false);
	assert_int_equal(middle->n_objects, 1);
	assert_string_equal(middle->objects[0].functions[0].name, "two_show");
	assert_null(cut(&s, false, false, false));
	assert_ok(read_record(ONE "," TWO, THREE, "true", &with, &err), &err);
	callbacks = cut(&with, false, false, false);
	assert_int_equal(callbacks->n_objects, 1);
	assert_true(callbacks->objects[0].callbacks);
	assert_string_equal(callbacks->objects[0].name, "nf_tables");
}

/* The module replaces another one than the record names: the record's goes where that one goes. */
static void test_wrong_function(void **state)
{
	(void)state;
	static const char *const instead[] = { SAMPLE_FUNCTION("two_show", "4"),
					       SAMPLE_FUNCTION("three_show", "0") };

	for (size_t i = 0; i < ARRAY_SIZE(instead); i++) {
		_cleanup_record_subset_ struct record_subset s = { 0 };
		_cleanup_record_ struct record *without = NULL, *only = NULL;
		struct error err = { 0 };

		/* Before the others: what is certain is paired first. */
		char list[1024];
		snprintf(list, sizeof(list), "%s,%s", instead[i], ONE);
		assert_ok(read_record(list, THREE, "false", &s, &err), &err);
		without = cut(&s, true, false, true);
		assert_int_equal(without->objects[0].n_functions, 1);
		assert_string_equal(without->objects[0].functions[0].name, "one_show");
		assert_string_equal(without->objects[1].functions[0].name, "two_show");
		only = cut(&s, false, true, false);
		assert_int_equal(only->n_objects, 1);
		assert_string_equal(only->objects[0].functions[0].name,
				    i == 0 ? "two_show" : "three_show");
	}
}

/* Of two functions of one name each goes with its own position, in whatever order they stand. */
static void test_positions(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
	_cleanup_record_subset_ struct record_subset s = { 0 };
	_cleanup_record_ struct record *part = NULL;
	struct tables_function same[] = { functions[1], functions[1], functions[2] };
	struct error err = { 0 };

	same[0].sympos = 9;
	assert_int_equal(sample_build_record(&text, TWO "," SAMPLE_FUNCTION("two_show", "9"), THREE,
					     "false"),
			 0);
	assert_ok(record_subset_read(text.data, text.len,
				     &(struct tables){ .functions = same, .function_count = 3 }, &s,
				     &err),
		  &err);
	part = cut(&s, true, false, false);
	assert_int_equal(part->n_objects, 1);
	assert_int_equal(part->objects[0].functions[0].sympos, 9);
}

/* More in the module than in the record is for the case to find; the other way no part fits. */
static void test_numbers_differ(void **state)
{
	(void)state;
	_cleanup_record_subset_ struct record_subset fewer = { 0 }, more = { 0 };
	_cleanup_record_ struct record *part = NULL;
	struct error err = { 0 };

	assert_ok(read_record(ONE, THREE, "false", &fewer, &err), &err);
	part = cut(&fewer, false, true, true);
	assert_int_equal(part->n_objects, 1);
	assert_string_equal(part->objects[0].name, "nf_tables");
	assert_int_equal(read_record(ONE "," TWO "," SAMPLE_FUNCTION("lost", "0"), THREE, "false",
				     &more, &err),
			 ERR_INVALID);
	assert_non_null(strstr(err.message, "vmlinux:lost"));
	assert_null(more.record);
}

static void test_damaged(void **state)
{
	(void)state;
	_cleanup_record_subset_ struct record_subset s = { 0 };
	struct error err = { 0 };

	assert_int_equal(record_subset_read("{}", 2, &tables, &s, &err), ERR_INVALID);
	assert_null(s.record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_empty_objects),
		cmocka_unit_test(test_wrong_function),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_numbers_differ),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("record_subset", tests, NULL, NULL);
}
