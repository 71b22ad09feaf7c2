/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/names.h"
#include "build/object/special.h"
#include "unit.h"

static void numbers_of_the_compiler_are_known(void **state)
{
	(void)state;
	assert_true(name_is_numbered("count.12"));
	assert_true(name_is_numbered("__UNIQUE_ID_ddebug1985"));
	assert_true(name_is_numbered("__initcall__kmod_dev__771_11498_net_dev_init4"));
	assert_false(name_is_numbered("count"));
	assert_false(name_is_numbered("count12"));
	assert_false(name_is_numbered("f.cold"));
	assert_false(name_is_numbered("f."));
	assert_false(name_is_numbered(".12"));
	assert_false(name_is_numbered(""));
}

static void bases_have_no_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *name, *base;
	} cases[] = {
		{ "count.12", "count" },
		{ "f.constprop.0.isra.1", "f" },
		{ "plain", "plain" },
		{ ".hidden.3", ".hidden" },
		{ "__UNIQUE_ID_ddebug1985.22", "__UNIQUE_ID_ddebug" },
		{ "__initcall__kmod_dev__771_11498_net_dev_init4",
		  "__initcall__kmod_dev____net_dev_init" },
		{ "", "" },
	};
	_cleanup_arena_ struct arena *arena = arena_new(1 << 16);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(name_base(arena, cases[i].name), cases[i].base);
}

static void cold_parts_have_parents(void **state)
{
	(void)state;
	size_t len = 0;

	assert_true(name_is_cold("f.cold", &len));
	assert_int_equal(len, 1);
	assert_true(name_is_cold("f.isra.0.cold.3", &len));
	assert_int_equal(len, 8);
	assert_false(name_is_cold("f.colder", &len));
	assert_false(name_is_cold(".cold", &len));
	assert_false(name_is_cold("f_cold", &len));
}

static int collect(const struct name_entry *entry, void *user)
{
	struct buf *text = user;

	return buf_printf(text, "%s:%zu ", entry->name, entry->items.count);
}

static void table_keeps_order_and_all_items(void **state)
{
	(void)state;
	_cleanup_name_table_ struct name_table *t = name_table_new();
	_cleanup_buf_ struct buf text = BUF_INIT(256);
	int items[3];

	assert_int_equal(name_table_add(t, "b", &items[0]), 0);
	assert_int_equal(name_table_add(t, "a", &items[1]), 0);
	assert_int_equal(name_table_add(t, "b", &items[2]), 0);
	assert_null(name_table_find(t, "c"));
	assert_ptr_equal(name_table_find(t, "b")->items.items[1], &items[2]);
	assert_int_equal(name_table_each(t, collect, &text), 0);
	assert_string_equal(buf_str(&text), "b:2 a:1 ");
}

static void special_sections_have_whole_entries(void **state)
{
	(void)state;
	struct elf_section rela = { .rela_count = 6 };
	uint8_t bytes[48] = { 0 };
	struct elf_section section = {
		.name = "__jump_table", .size = 32, .data = bytes, .rela = &rela
	};
	struct special_sizes known = { .jump_entry = 16 }, none = { 0 },
			     wrong = { .jump_entry = 12 };
	const struct special_def *def = special_find("__jump_table");
	struct error err = { 0 };
	uint32_t size = 0;

	assert_int_equal(special_entry_size(def, &known, &section, &size, &err), 0);
	assert_int_equal(size, 16);
	assert_int_equal(special_entry_size(def, &none, &section, &size, &err), 0);
	assert_int_equal(size, 16);
	assert_int_equal(special_entry_size(def, &wrong, &section, &size, &err), ERR_INVALID);
	section.size = 31;
	assert_int_equal(special_entry_size(def, &known, &section, &size, &err), ERR_INVALID);
	section.rela = NULL;
	assert_int_equal(special_entry_size(def, &none, &section, &size, &err), ERR_INVALID);
	assert_null(special_find(".text"));
	assert_non_null(special_find(".discard.reachable"));
	assert_false(special_find(".discard.addressable")->carried);
	assert_true(special_find(".altinstructions")->compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_the_compiler_are_known),
		cmocka_unit_test(bases_have_no_numbers),
		cmocka_unit_test(cold_parts_have_parents),
		cmocka_unit_test(table_keeps_order_and_all_items),
		cmocka_unit_test(special_sections_have_whole_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
