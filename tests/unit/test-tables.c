/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/tables.h"
#include "sample_livepatch.h"

static int read_tables(struct sample_livepatch *m, struct tables *ret, struct error *err)
{
	sample_relas(m->object, m->data, m->relas, m->rela_count);
	return tables_read(m->object, ret, err);
}

static void reads_everything(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct sample_livepatch m;

	sample_livepatch_make(&m, true, true);
	assert_ok(read_tables(&m, &t, &err), &err);
	assert_true(t.replace);
	assert_int_equal(t.object_count, 2);
	assert_string_equal(t.objects[0].name, "vmlinux");
	assert_int_equal(t.objects[0].function_count, 1);
	assert_false(t.objects[0].callbacks);
	assert_string_equal(t.objects[1].name, "nf_tables");
	assert_true(t.objects[1].callbacks);
	assert_int_equal(t.function_count, 2);
	assert_string_equal(t.functions[0].name, "one_show");
	assert_string_equal(t.functions[0].object, "vmlinux");
	assert_string_equal(t.functions[0].symbol, "new_show");
	assert_int_equal(t.functions[0].sympos, 0);
	assert_string_equal(t.functions[1].name, "two_show");
	assert_string_equal(t.functions[1].object, "nf_tables");
	assert_int_equal(t.functions[1].sympos, 3);
	assert_int_equal(t.state_count, 2);
	assert_int_equal(t.states[0].id, 7);
	assert_int_equal(t.states[0].version, 2);
	assert_int_equal(t.states[1].id, 9);
	assert_int_equal(t.states[1].version, 5);
	elf_object_free(m.object);
}

static void nothing_is_invented(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct sample_livepatch m;

	sample_livepatch_make(&m, false, false);
	assert_ok(read_tables(&m, &t, &err), &err);
	assert_false(t.objects[0].callbacks || t.objects[1].callbacks);
	assert_int_equal(t.state_count, 0);
	elf_object_free(m.object);
}

static void expect(struct sample_livepatch *m, int code, const char *why)
{
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };

	assert_int_equal(read_tables(m, &t, &err), code);
	if (!strstr(err.message, why))
		fail_msg("'%s' does not hold '%s'", err.message, why);
	elf_object_free(m->object);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	struct sample_livepatch m;

	sample_livepatch_make(&m, false, false);
	m.rela_count = 0;
	expect(&m, ERR_NOT_FOUND, "no initialised struct klp_patch");

	sample_livepatch_make(&m, false, false);
	for (size_t i = 0; i < m.rela_count; i++) /* a function without code */
		if (m.relas[i].offset == SAMPLE_FIRST + 8)
			m.relas[i].type = R_X86_64_PC32;
	expect(&m, ERR_INVALID, "table of functions");

	sample_livepatch_make(&m, false, false);
	for (size_t i = 0; i < m.rela_count; i++) /* a name outside its section */
		if (m.relas[i].offset == SAMPLE_SECOND)
			m.relas[i].addend = 1 << 20;
	expect(&m, ERR_INVALID, "table of functions");

	sample_livepatch_make(&m, false, true);
	memset(m.data->data + SAMPLE_STATES + 48, 1, 24); /* the end of the states */
	expect(&m, ERR_INVALID, "table of states");

	sample_livepatch_make(&m, false, false);
	m.strings->size = 4; /* a name without an end */
	expect(&m, ERR_INVALID, "table of functions");

	sample_livepatch_make(&m, false, false);
	for (size_t i = 0; i < m.rela_count; i++) /* objects that begin before their section */
		if (m.relas[i].offset == SAMPLE_PATCH + 8)
			m.relas[i].addend = 0;
	expect(&m, ERR_INVALID, "table of objects is not understood");

	sample_livepatch_make(&m, false, false);
	for (size_t i = 0; i < m.rela_count; i++) /* functions that are not data */
		if (m.relas[i].offset == SAMPLE_OBJECTS + 8 ||
		    m.relas[i].offset == SAMPLE_OBJECTS + 72)
			m.relas[i].symbol = m.code;
	expect(&m, ERR_INVALID, "table of objects is empty");

	sample_livepatch_make(&m, false, false); /* the kernel would wait for such a module */
	memcpy(m.strings->data + strlen("one_show") + 1 + strlen("two_show") + 1, "vmlinux", 8);
	expect(&m, ERR_INVALID, "an object named vmlinux");

	sample_livepatch_make(&m, false, false);
	sample_point(&m, SAMPLE_STATES + 72, elf_object_symbol(m.object, "__this_module"), 0);
	sample_point(&m, SAMPLE_STATES + 80, m.data->symbol, SAMPLE_OBJECTS);
	expect(&m, ERR_UNSUPPORTED, "more than one struct klp_patch");
}

/* Another entry of the first table, at a place of choice. */
static void add_entry(struct sample_livepatch *m, uint64_t at)
{
	sample_point(m, at, m->strings->symbol, 9);
	sample_point(m, at + 8, m->code, 0);
}

/* Moves the relocation of one place to another. */
static void repoint(struct sample_livepatch *m, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < m->rela_count; i++)
		if (m->relas[i].offset == from)
			m->relas[i].offset = to;
}

static int compare(const void *a, const void *b)
{
	const struct elf_rela *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static void expect_sorted(struct sample_livepatch *m, const char *why)
{
	qsort(m->relas, m->rela_count, sizeof(m->relas[0]), compare);
	expect(m, ERR_INVALID, why);
}

/* What the kernel would read otherwise than it looks: it takes entry after entry of one size, up to
 * the first empty one. */
static void no_table_is_guessed_at(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct sample_livepatch m;

	sample_livepatch_make(&m, false, false);
	add_entry(&m, SAMPLE_FIRST + 40);
	qsort(m.relas, m.rela_count, sizeof(m.relas[0]), compare);
	assert_ok(read_tables(&m, &t, &err), &err);
	assert_int_equal(t.function_count, 3);
	elf_object_free(m.object);

	sample_livepatch_make(&m, false, false); /* the first is empty */
	repoint(&m, SAMPLE_FIRST, SAMPLE_FIRST + 40);
	repoint(&m, SAMPLE_FIRST + 8, SAMPLE_FIRST + 48);
	expect_sorted(&m, "has gaps");

	sample_livepatch_make(&m, false, false); /* too near to be one */
	add_entry(&m, SAMPLE_FIRST + 24);
	expect_sorted(&m, "different sizes");

	sample_livepatch_make(&m, false, false); /* 40, then 48 bytes */
	add_entry(&m, SAMPLE_FIRST + 40);
	add_entry(&m, SAMPLE_FIRST + 88);
	expect_sorted(&m, "different sizes");

	sample_livepatch_make(&m, false, false); /* none is empty */
	add_entry(&m, SAMPLE_FIRST + 40);
	add_entry(&m, SAMPLE_FIRST + 80);
	expect_sorted(&m, "has no end");

	sample_livepatch_make(&m, false, false); /* two objects, one table */
	for (size_t i = 0; i < m.rela_count; i++)
		if (m.relas[i].offset == SAMPLE_OBJECTS + 72)
			m.relas[i].addend = SAMPLE_FIRST;
	expect(&m, ERR_INVALID, "share a table");

	sample_livepatch_make(&m, false, false); /* the kernel refuses to relocate what is there */
	m.data->data[SAMPLE_SECOND + 9] = 1;
	expect(&m, ERR_INVALID, "not understood");
}

/* An entry that only the kernel's own names complete. */
static void livepatch_relocations_are_seen(void **state)
{
	(void)state;
	struct sample_livepatch m;

	sample_livepatch_make(&m, false, false);

	struct elf_section *late = elf_object_add_rela(m.object, m.data, ".klp.rela.vmlinux..data",
						       SHF_RELA_LIVEPATCH, 1);

	late->relas[0] = (struct elf_rela){ SAMPLE_FIRST + 48, m.code, R_X86_64_64, 0 };
	expect(&m, ERR_INVALID, "livepatch relocations");
}

/* Of several names of a place the global one is meant. */
static void the_global_name(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct sample_livepatch m;

	sample_livepatch_make(&m, false, false);
	sample_symbol(m.object, "suture_new.one", STT_FUNC, STB_GLOBAL, m.code->section, 16);
	sample_symbol(m.object, "alias", STT_FUNC, STB_LOCAL, m.code->section, 16);
	assert_ok(read_tables(&m, &t, &err), &err);
	assert_string_equal(t.functions[0].symbol, "suture_new.one");
	elf_object_free(m.object);
}

/* A table without states is all zeros, and lies where the compiler keeps those. */
static void no_states_are_zeros(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct sample_livepatch m;

	sample_livepatch_make(&m, false, true);

	struct elf_section *bss =
		sample_section(m.object, ".bss", SHF_ALLOC | SHF_WRITE, (uint8_t[24]){ 0 }, 24);

	bss->type = SHT_NOBITS;
	bss->data = NULL;
	for (size_t i = 0; i < m.rela_count; i++)
		if (m.relas[i].offset == SAMPLE_PATCH + 16)
			m.relas[i] =
				(struct elf_rela){ SAMPLE_PATCH + 16, bss->symbol, R_X86_64_64, 0 };
	assert_ok(read_tables(&m, &t, &err), &err);
	assert_int_equal(t.state_count, 0);
	assert_int_equal(t.function_count, 2);
	elf_object_free(m.object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(nothing_is_invented),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(the_global_name),
		cmocka_unit_test(no_states_are_zeros),
		cmocka_unit_test(no_table_is_guessed_at),
		cmocka_unit_test(livepatch_relocations_are_seen),
	};
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
