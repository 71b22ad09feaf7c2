/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/section_class.h"
#include "unit.h"

static enum section_class class_of(const char *name, uint64_t flags)
{
	struct elf_section s = { .name = name, .type = SHT_PROGBITS, .flags = flags };

	return section_class(&s);
}

static enum section_class data_class(const char *name)
{
	return class_of(name, SHF_ALLOC | SHF_WRITE);
}

static enum section_class code_class(const char *name)
{
	return class_of(name, SHF_ALLOC | SHF_EXECINSTR);
}

static void code_is_told_from_what_runs_once(void **state)
{
	(void)state;
	static const char *const code[] = {
		".text",         ".text.f",        ".text.unlikely.f",
		".ref.text",     ".sched.text",    ".noinstr.text",
		".kprobes.text", ".irqentry.text", ".static_call.text"
	};

	for (size_t i = 0; i < ARRAY_SIZE(code); i++)
		assert_int_equal(code_class(code[i]), CLASS_TEXT);
	assert_int_equal(code_class(".init.text"), CLASS_INIT_TEXT);
	assert_int_equal(code_class(".init.text.f"), CLASS_INIT_TEXT);
	assert_int_equal(code_class(".exit.text"), CLASS_INIT_TEXT);
	assert_int_equal(code_class(".init.anything"), CLASS_INIT_TEXT);
	assert_int_equal(code_class(".altinstr_replacement"), CLASS_SNIPPET);
	assert_int_equal(code_class(".altinstr_aux"), CLASS_SNIPPET);
	assert_int_equal(code_class(".fixup"), CLASS_SNIPPET);
}

static void variables_and_constants(void **state)
{
	(void)state;
	const uint64_t merged = SHF_ALLOC | SHF_MERGE | SHF_STRINGS;
	struct elf_section s = {
		.name = ".rodata.str1.1", .type = SHT_PROGBITS, .flags = merged, .entsize = 1
	};

	assert_int_equal(data_class(".data.x"), CLASS_DATA);
	assert_int_equal(data_class(".data..read_mostly"), CLASS_DATA);
	assert_int_equal(data_class(".bss.x"), CLASS_DATA);
	assert_int_equal(data_class(".ref.data"), CLASS_DATA);
	assert_int_equal(data_class("__dyndbg"), CLASS_DATA);
	assert_int_equal(data_class("__dyndbg_classes"), CLASS_DATA);
	assert_int_equal(data_class("__trace_printk_fmt"), CLASS_DATA);
	assert_int_equal(data_class(".data..percpu..read_mostly"), CLASS_PERCPU);
	assert_int_equal(data_class(".data..ro_after_init"), CLASS_RO_AFTER_INIT);
	assert_int_equal(data_class(".init.data"), CLASS_INIT_DATA);
	assert_int_equal(class_of(".rodata", SHF_ALLOC), CLASS_RODATA);
	assert_int_equal(class_of(".rodata", SHF_ALLOC | SHF_WRITE), CLASS_DATA);
	assert_int_equal(section_class(&s), CLASS_STRINGS);
	s.entsize = 4;
	assert_int_equal(section_class(&s), CLASS_RODATA);
}

static void tables_and_what_is_unknown(void **state)
{
	(void)state;
	static const char *const tables[] = { ".initcall6.init",    "__param",
					      ".pci_fixup_early",   "__tracepoints",
					      "__tracepoints_ptrs", "_ftrace_events",
					      "__bpf_raw_tp_map",   "__timer_acpi_probe_table",
					      "__fair_sched_class", ".BTF_ids" };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(data_class(tables[i]), CLASS_TABLE);
	assert_int_equal(class_of("__tracepoints_strings", SHF_ALLOC), CLASS_RODATA);
	assert_int_equal(data_class("runtime_ptr_USER_PTR_MAX"), CLASS_REFUSED);
	assert_int_equal(data_class("runtime_shift_d_hash_shift"), CLASS_REFUSED);
	assert_int_equal(data_class("__jump_table"), CLASS_SPECIAL);
	assert_int_equal(data_class(".orc_unwind"), CLASS_SPECIAL);
	assert_int_equal(data_class("_kprobe_blacklist"), CLASS_SPECIAL);
	assert_int_equal(data_class(".modinfo"), CLASS_IGNORED);
	assert_int_equal(data_class("___ksymtab_gpl+f"), CLASS_IGNORED);
	assert_int_equal(data_class("__ksymtab_strings"), CLASS_IGNORED);
	assert_int_equal(data_class(".printk_index"), CLASS_IGNORED);
	assert_int_equal(class_of(".debug_info", 0), CLASS_IGNORED);
	assert_int_equal(data_class("__nobody_knows"), CLASS_UNKNOWN);
	assert_int_equal(data_class("_sched_classes"), CLASS_UNKNOWN);
	assert_int_equal(class_of("__nobody_knows", 0), CLASS_IGNORED); /* not in memory */
}

static void tables_have_a_way_round(void **state)
{
	(void)state;
	assert_non_null(strstr(section_advice("__tracepoints"), "pr_debug"));
	assert_non_null(strstr(section_advice(".initcall6.init"), "callback"));
	assert_null(section_advice("__nobody_knows"));
	assert_null(section_advice(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_is_told_from_what_runs_once),
		cmocka_unit_test(variables_and_constants),
		cmocka_unit_test(tables_and_what_is_unknown),
		cmocka_unit_test(tables_have_a_way_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
