/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/diff/declared.h"
#include "sample_object.h"

static void symbols_are_taken_apart(void **state)
{
	static const char *const wrong[] = {
		"suture_sym.",
		"suture_sym.x.vmlinux.f",
		"suture_sym.1",
		"suture_sym.1.vmlinux",
		"suture_sym.1..f",
		"suture_sym.1.vmlinux.",
		"suture_sym.-1.vmlinux.f",
		"suture_sym.99999999999999999999.vmlinux.f",
		"suture_sym.1.a_name_of_a_module_that_is_longer_than_the_kernel_takes_it.f",
	};
	struct declared_symbol d;
	struct error err = { 0 };

	(void)state;
	assert_ok(declared_symbol_parse("suture_sym.2.nf_tables.f.isra.0", &d, &err), &err);
	assert_string_equal(d.object, "nf_tables");
	assert_string_equal(d.name, "f.isra.0");
	assert_int_equal(d.sympos, 2);
	assert_int_equal(declared_symbol_parse("printk", &d, &err), ERR_NOT_FOUND);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(declared_symbol_parse(wrong[i], &d, &err), ERR_INVALID);
}

static void declarations_keep_their_order(void **state)
{
	static const struct diff_data data[] = {
		{ .name = "helper_table" },
		{ .name = "suture_callbacks.unit.10" },
		{ .name = "suture_callbacks.unit.9" },
		{ .name = "suture_state.unit.8" },
	};
	struct diff_result result = { .data = data, .data_count = ARRAY_SIZE(data) };
	_cleanup_free_ const char **list = NULL;
	size_t n;

	(void)state;
	assert_true(declared_any(&result));
	assert_int_equal(declared_list(&result, DECLARED_CALLBACKS, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0], "suture_callbacks.unit.9");
	assert_string_equal(list[1], "suture_callbacks.unit.10");
	result.data_count = 1;
	assert_false(declared_any(&result));
}

static void states_are_read(void **state)
{
	const uint64_t value[] = { 5, 0xdead00000002 };
	struct error err = { 0 };
	struct elf_object *o;
	uint64_t id;
	uint32_t version;

	(void)state;
	assert_int_equal(elf_object_new(&o), 0);
	struct elf_section *s =
		sample_section(o, ".rodata.suture_state.unit.0", SHF_ALLOC, value, sizeof(value));
	struct elf_symbol *y =
		sample_symbol(o, "suture_state.unit.0", STT_OBJECT, STB_GLOBAL, s, 16);

	assert_ok(declared_state(o, "suture_state.unit.0", &id, &version, &err), &err);
	assert_int_equal(id, 5);
	assert_int_equal(version, 2);
	y->value = 8;
	assert_int_equal(declared_state(o, "suture_state.unit.0", &id, &version, &err),
			 ERR_INVALID);
	y->value = 0;
	s->data[0] = 0;
	assert_int_equal(declared_state(o, "suture_state.unit.0", &id, &version, &err),
			 ERR_INVALID);
	assert_int_equal(declared_state(o, "suture_state.unit.1", &id, &version, &err),
			 ERR_INVALID);
	elf_object_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_taken_apart),
		cmocka_unit_test(declarations_keep_their_order),
		cmocka_unit_test(states_are_read),
	};
	return cmocka_run_group_tests_name("declared", tests, NULL, NULL);
}
