/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/tables.h"
#include "sample_object.h"

/* Places in .data: struct klp_patch, klp_object[3] of 64 bytes, klp_func[2] of 40 each, klp_state.
 */
enum { PATCH = 0, OBJECTS = 64, FIRST = 256, SECOND = 336, STATES = 416, SIZE = 512 };

struct module {
	struct elf_object *object;
	struct elf_section *data, *strings;
	struct elf_symbol *code;
	struct elf_rela relas[32];
	size_t rela_count;
};

static const char names[] = "one_show\0two_show\0nf_tables";

static void point(struct module *m, uint64_t at, struct elf_symbol *to, int64_t addend)
{
	m->relas[m->rela_count++] = (struct elf_rela){ at, to, R_X86_64_64, addend };
}

/* vmlinux with one function, nf_tables with another at position 3, both states. */
static void make(struct module *m, bool callbacks, bool states)
{
	static const uint8_t text[32], zeros[64];
	uint8_t data[SIZE] = { [PATCH + 24] = 1, [SECOND + 16] = 3 };
	const uint64_t ids[] = { 7, 2, 0, 9, 5, 0, 0, 0, 0 };

	*m = (struct module){ 0 };
	memcpy(data + STATES, ids, sizeof(ids));
	assert_int_equal(elf_object_new(&m->object), 0);

	struct elf_section *code =
		sample_section(m->object, ".text", SHF_ALLOC | SHF_EXECINSTR, text, sizeof(text));
	struct elf_section *this_module =
		sample_section(m->object, ".gnu.linkonce.this_module", SHF_ALLOC | SHF_WRITE, zeros,
			       sizeof(zeros));

	m->strings = sample_section(m->object, ".rodata.str1.1", SHF_ALLOC, names, sizeof(names));
	m->data = sample_section(m->object, ".data", SHF_ALLOC | SHF_WRITE, data, sizeof(data));
	m->code = sample_symbol(m->object, "new_show", STT_FUNC, STB_LOCAL, code, 16);
	struct elf_symbol *module =
		sample_symbol(m->object, "__this_module", STT_OBJECT, STB_GLOBAL, this_module, 64);
	struct {
		const char *name;
		uint64_t at, size;
	} tables[] = { { "patch", PATCH, 64 },
		       { "objects", OBJECTS, 192 },
		       { "first", FIRST, 80 },
		       { "second", SECOND, 80 },
		       { "states", STATES, 72 } };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		sample_symbol(m->object, tables[i].name, STT_OBJECT, STB_LOCAL, m->data,
			      tables[i].size)
			->value = tables[i].at;
	point(m, PATCH, module, 0);
	point(m, PATCH + 8, m->data->symbol, OBJECTS);
	if (states)
		point(m, PATCH + 16, m->data->symbol, STATES);
	point(m, OBJECTS + 8, m->data->symbol, FIRST);
	point(m, OBJECTS + 64, m->strings->symbol, 18);
	point(m, OBJECTS + 72, m->data->symbol, SECOND);
	if (callbacks)
		point(m, OBJECTS + 64 + 40, m->code, 0); /* post_unpatch */
	point(m, FIRST, m->strings->symbol, 0);
	point(m, FIRST + 8, code->symbol, 0);
	point(m, SECOND, m->strings->symbol, 9);
	point(m, SECOND + 8, code->symbol, 0);
}

static int read_tables(struct module *m, struct tables *ret, struct error *err)
{
	sample_relas(m->object, m->data, m->relas, m->rela_count);
	return tables_read(m->object, ret, err);
}

static void reads_everything(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct module m;

	make(&m, true, true);
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
	struct module m;

	make(&m, false, false);
	assert_ok(read_tables(&m, &t, &err), &err);
	assert_false(t.objects[0].callbacks || t.objects[1].callbacks);
	assert_int_equal(t.state_count, 0);
	elf_object_free(m.object);
}

static void expect(struct module *m, int code, const char *why)
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
	struct module m;

	make(&m, false, false);
	m.rela_count = 0;
	expect(&m, ERR_NOT_FOUND, "no initialised struct klp_patch");

	make(&m, false, false);
	for (size_t i = 0; i < m.rela_count; i++) /* a function without code */
		if (m.relas[i].offset == FIRST + 8)
			m.relas[i].type = R_X86_64_PC32;
	expect(&m, ERR_INVALID, "table of functions");

	make(&m, false, false);
	for (size_t i = 0; i < m.rela_count; i++) /* a name outside its section */
		if (m.relas[i].offset == SECOND)
			m.relas[i].addend = 1 << 20;
	expect(&m, ERR_INVALID, "table of functions");

	make(&m, false, true);
	memset(m.data->data + STATES + 48, 1, 24); /* the end of the states */
	expect(&m, ERR_INVALID, "table of states");
}

/* A table without states is all zeros, and lies where the compiler keeps those. */
static void no_states_are_zeros(void **state)
{
	(void)state;
	_cleanup_tables_ struct tables t = { 0 };
	struct error err = { 0 };
	struct module m;

	make(&m, false, true);

	struct elf_section *bss =
		sample_section(m.object, ".bss", SHF_ALLOC | SHF_WRITE, names, 24);

	bss->type = SHT_NOBITS;
	bss->data = NULL;
	for (size_t i = 0; i < m.rela_count; i++)
		if (m.relas[i].offset == PATCH + 16)
			m.relas[i] = (struct elf_rela){ PATCH + 16, bss->symbol, R_X86_64_64, 0 };
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
		cmocka_unit_test(no_states_are_zeros),
	};
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
