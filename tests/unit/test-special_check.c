/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/special_check.h"

#include "build/object/special.h"
#include "sample_object.h"

/* A place that fits each table, and one that looks alike but does not. */
static const struct {
	const char *section;
	uint8_t size, relocations;
	uint8_t good[5], bad[5];
} kinds[] = {
	{ ".altinstructions", 14, 2, { 0x90 }, { 0 } },
	{ ".parainstructions", 16, 1, { 0xff, 0x14 }, { 0 } },
	{ "__bug_table", 12, 2, { 0x0f, 0x0b }, { 0x0f, 0x0a } },
	{ "__bug_table", 12, 2, { 0x67, 0x0f, 0xb9 }, { 0x66, 0x0f, 0xb9 } },
	{ "__bug_table", 12, 2, { 0x0f, 0xb9 }, { 0x0f, 0xb8 } },
	{ "__bug_table", 12, 2, { 0xcc }, { 0xcd } },
	{ "__ex_table", 12, 2, { 0x8b }, { 0 } },
	{ "__jump_table", 16, 3, { 0xe9 }, { 0xe8 } },
	{ "__jump_table", 16, 3, { 0xeb }, { 0xea } },
	{ "__jump_table", 16, 3, { 0x0f, 0x1f }, { 0x0f, 0x1e } },
	{ "__jump_table", 16, 3, { 0x66, 0x90 }, { 0x66, 0x91 } },
	{ ".smp_locks", 4, 1, { 0xf0, 0xff }, { 0xff, 0xf0 } },
	{ ".smp_locks", 4, 1, { 0x66, 0xf0 }, { 0x66, 0x90 } },
	{ "__mcount_loc", 8, 1, { 0xe8 }, { 0xe9 } },
	{ "__mcount_loc", 8, 1, { 0x0f, 0x1f }, { 0x0f, 0x84 } },
	{ "_kprobe_blacklist", 8, 1, { 0xe8 }, { 0 } },
	{ ".static_call_sites", 8, 2, { 0xe8 }, { 0xff } },
	{ ".static_call_sites", 8, 2, { 0x0f, 0x84 }, { 0x0f, 0x94 } },
	{ ".static_call_sites", 8, 2, { 0x0f, 0x8f }, { 0x0e, 0x84 } },
	{ ".call_sites", 4, 1, { 0xe9 }, { 0xff } },
	{ ".retpoline_sites", 4, 1, { 0x2e, 0xe8 }, { 0xc3 } },
	{ ".retpoline_sites", 4, 1, { 0x3e, 0xe8 }, { 0x3f, 0xe8 } },
	{ ".return_sites", 4, 1, { 0xc3 }, { 0xc2 } },
	{ ".return_sites", 4, 1, { 0xe9 }, { 0x90 } },
	{ ".ibt_endbr_seal", 4, 1, { 0xf3, 0x0f, 0x1e, 0xfa }, { 0xf3, 0x0f, 0x1e, 0xfb } },
	{ ".cfi_sites", 4, 1, { 0xe8 }, { 0 } },
	{ ".orc_unwind_ip", 4, 1, { 0x55 }, { 0 } },
};

/* A module with one entry, which leads to `code`; to data for code that is all zero. */
static int check(size_t kind, const uint8_t code[static 5])
{
	static const uint8_t bytes[16];
	struct error err = { 0 };
	struct elf_object *o;
	struct elf_rela relas[3] = { 0 };

	assert_int_equal(elf_object_new(&o), 0);
	uint64_t flags = SHF_ALLOC | (code[0] ? SHF_EXECINSTR : 0);
	struct elf_section *text = sample_section(o, ".text", flags, code, 5);
	struct elf_section *s =
		sample_section(o, kinds[kind].section, SHF_ALLOC, bytes, kinds[kind].size);
	for (size_t i = 0; i < kinds[kind].relocations; i++)
		relas[i] = (struct elf_rela){ 4 * i, text->symbol, R_X86_64_PC32, 0 };
	sample_relas(o, s, relas, kinds[kind].relocations);
	assert_int_equal(special_count(o, kinds[kind].section), 1);
	int e = special_check(o, &err);
	if (e < 0)
		assert_non_null(strstr(err.message, kinds[kind].section));
	elf_object_free(o);
	return e;
}

static void entries_lead_to_their_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(check(i, kinds[i].good), 0);
		assert_int_equal(check(i, kinds[i].bad), ERR_MISMATCH);
	}
}

static void every_kind_is_tested(void **state)
{
	(void)state;
	const struct special_def *def;

	for (size_t i = 0; (def = special_at(i)); i++) {
		bool found = def->place == PLACE_ANY;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			found |= streq(kinds[k].section, def->name);
		if (!found)
			fail_msg("%s is not tested", def->name);
	}
}

static void damaged_tables_are_refused(void **state)
{
	(void)state;
	static const uint8_t code[] = { 0xf0, 0xff, 0, 0, 0 };
	struct error err = { 0 };
	struct elf_object *o;

	assert_int_equal(elf_object_new(&o), 0);
	struct elf_section *text =
		sample_section(o, ".text", SHF_ALLOC | SHF_EXECINSTR, code, sizeof(code));
	struct elf_section *s = sample_section(o, ".smp_locks", SHF_ALLOC, (uint8_t[8]){ 0 }, 8);

	assert_int_equal(special_check(o, &err), ERR_MISMATCH); /* no relocations */
	sample_relas(o, s,
		     (struct elf_rela[]){ { 0, text->symbol, R_X86_64_PC32, 0 },
					  { 4, text->symbol, R_X86_64_PC32, 0 } },
		     2);
	assert_int_equal(special_check(o, &err), 0);
	s->rela->relas[1].addend = 5; /* behind the code */
	assert_int_equal(special_check(o, &err), ERR_MISMATCH);
	s->rela->relas[1].addend = 0;
	s->rela->relas[1].offset = 3; /* not where the entry begins */
	assert_int_equal(special_check(o, &err), ERR_MISMATCH);
	s->rela->relas[1].offset = 5;
	assert_int_equal(special_check(o, &err), ERR_MISMATCH);
	s->rela->relas[1].offset = 4;
	s->size = 7;
	assert_int_equal(special_check(o, &err), ERR_MISMATCH);
	elf_object_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_lead_to_their_kind),
		cmocka_unit_test(every_kind_is_tested),
		cmocka_unit_test(damaged_tables_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
