/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/section_class.h"

#include "build/object/special.h"

struct class_rule {
	const char *name; /* '*' stands for anything */
	enum section_class class;
	const char *advice;
};

#define ADVICE_INITCALL "do it in a pre-patch callback of the module"
#define ADVICE_PARAM    "a debugfs file made in a callback can take its place"
#define ADVICE_TRACE    "use a tracepoint that exists, pr_debug() or trace_printk()"
#define ADVICE_CONSTANT "use the variable itself"

/* By name, first match. What is not here is told by its flags. */
static const struct class_rule class_rules[] = {
	/* read by modpost, the debugger or nobody; never by the code itself */
	{ ".modinfo", CLASS_IGNORED, NULL },
	{ ".export_symbol", CLASS_IGNORED, NULL },
	{ "__ksymtab*", CLASS_IGNORED, NULL },
	{ "___ksymtab*", CLASS_IGNORED, NULL },
	{ "__kcrctab*", CLASS_IGNORED, NULL },
	{ "___kcrctab*", CLASS_IGNORED, NULL },
	{ "__versions*", CLASS_IGNORED, NULL },
	{ ".gnu.linkonce.this_module", CLASS_IGNORED, NULL },
	{ ".gnu.warning.*", CLASS_IGNORED, NULL },
	{ ".eh_frame*", CLASS_IGNORED, NULL },
	{ ".note*", CLASS_IGNORED, NULL },
	{ ".BTF", CLASS_IGNORED, NULL },
	{ ".BTF.ext", CLASS_IGNORED, NULL },
	/* an index in debugfs of all messages: it does not learn those of a patch */
	{ ".printk_index", CLASS_IGNORED, NULL },
	/* what errors may be injected into: the entry of a replaced function, where that happens,
	 * is still the old one */
	{ "_error_injection_whitelist", CLASS_IGNORED, NULL },

	/* code */
	{ ".init.text*", CLASS_INIT_TEXT, NULL },
	{ ".exit.text*", CLASS_INIT_TEXT, NULL },
	{ ".head.text", CLASS_INIT_TEXT, NULL },
	{ ".altinstr_replacement", CLASS_SNIPPET, NULL },
	{ ".altinstr_aux", CLASS_SNIPPET, NULL },
	{ ".fixup", CLASS_SNIPPET, NULL }, /* before 5.16 */

	/* variables, which the module loader treats like any others */
	{ ".data..percpu*", CLASS_PERCPU, NULL },
	{ ".data..ro_after_init*", CLASS_RO_AFTER_INIT, NULL },
	{ ".data*", CLASS_DATA, NULL },
	{ ".bss*", CLASS_DATA, NULL },
	{ ".ref.data*", CLASS_DATA, NULL },
	{ ".vvar_*", CLASS_DATA, NULL },
	{ ".rodata*", CLASS_RODATA, NULL },
	{ ".ref.rodata*", CLASS_RODATA, NULL },
	{ "__tracepoints_strings", CLASS_RODATA, NULL },
	{ ".BTF_ids", CLASS_TABLE, NULL },
	/* registered anew for each module that has it */
	{ "__dyndbg*", CLASS_DATA, NULL },
	{ "__trace_printk_fmt", CLASS_DATA, NULL },
	{ "__tracepoint_str", CLASS_DATA, NULL },

	/* constants that the kernel writes into its own code at boot, and into no module's */
	{ "runtime_ptr_*", CLASS_REFUSED, ADVICE_CONSTANT },
	{ "runtime_shift_*", CLASS_REFUSED, ADVICE_CONSTANT },

	/* tables that the linker collects */
	{ ".initcall*", CLASS_TABLE, ADVICE_INITCALL },
	{ ".con_initcall.init", CLASS_TABLE, ADVICE_INITCALL },
	{ ".exitcall.exit", CLASS_TABLE, NULL },
	{ ".init.setup", CLASS_TABLE, NULL },
	{ ".init_array*", CLASS_TABLE, NULL },
	{ ".lsm_info.init", CLASS_TABLE, NULL },
	{ ".early_lsm_info.init", CLASS_TABLE, NULL },
	{ "__param*", CLASS_TABLE, ADVICE_PARAM },
	{ "__modver", CLASS_TABLE, NULL },
	{ "__tracepoints*", CLASS_TABLE, ADVICE_TRACE },
	{ "_ftrace_events", CLASS_TABLE, ADVICE_TRACE },
	{ "_ftrace_eval_map", CLASS_TABLE, ADVICE_TRACE },
	{ "_ftrace_annotated_branch", CLASS_TABLE, NULL },
	{ "_ftrace_branch", CLASS_TABLE, NULL },
	{ "__bpf_raw_tp_map", CLASS_TABLE, ADVICE_TRACE },
	{ "__syscalls_metadata", CLASS_TABLE, NULL },
	{ ".static_call_tramp_key", CLASS_TABLE, NULL },
	{ ".pci_fixup*", CLASS_TABLE, NULL },
	{ ".builtin_fw", CLASS_TABLE, NULL },
	{ ".tracedata", CLASS_TABLE, NULL },
	{ ".kunit*_test_suites", CLASS_TABLE, NULL },
	{ ".x86_cpu_dev.init", CLASS_TABLE, NULL },
	{ ".x86_intel_mid_dev.init", CLASS_TABLE, NULL },
	{ ".apicdrivers", CLASS_TABLE, NULL },
	{ ".iommu_table", CLASS_TABLE, NULL },
	{ ".brk_reservation", CLASS_TABLE, NULL },
	{ "__earlycon_table", CLASS_TABLE, NULL },
	{ "*_acpi_probe_table", CLASS_TABLE, NULL },
	{ "*_thermal_table*", CLASS_TABLE, NULL },
	{ "*_of_table*", CLASS_TABLE, NULL },
	{ "*_sched_class", CLASS_TABLE, NULL },

	/* memory that is freed; what is executable there is init code */
	{ ".init.*", CLASS_INIT_DATA, NULL },
	{ ".exit.*", CLASS_INIT_DATA, NULL },
};

/* A '*' stands for anything, any number of times. */
static bool rule_matches(const char *rule, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (*rule == '*') {
			star = rule++;
			retry = name;
		} else if (*rule == *name) {
			rule++;
			name++;
		} else if (star) {
			rule = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*rule == '*')
		rule++;
	return *rule == 0;
}

static const struct class_rule *find_rule(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_rules); i++)
		if (rule_matches(class_rules[i].name, name))
			return &class_rules[i];
	return NULL;
}

/* Constants that the compiler may merge: only strings of bytes are cut at their zeros. */
static enum section_class constant_class(const struct elf_section *s)
{
	bool strings = (s->flags & SHF_MERGE) && (s->flags & SHF_STRINGS) && s->entsize == 1;

	if (s->flags & SHF_WRITE)
		return CLASS_DATA;
	return strings ? CLASS_STRINGS : CLASS_RODATA;
}

enum section_class section_class(const struct elf_section *s)
{
	bool content = s->type == SHT_PROGBITS || s->type == SHT_NOBITS;

	if (s->type == SHT_PROGBITS && special_find(s->name))
		return CLASS_SPECIAL;
	if (!content || !(s->flags & SHF_ALLOC))
		return CLASS_IGNORED;

	const struct class_rule *rule = find_rule(s->name);
	bool code = s->flags & SHF_EXECINSTR;

	if (!rule)
		return code ? CLASS_TEXT : CLASS_UNKNOWN;
	if (rule->class == CLASS_INIT_DATA && code)
		return CLASS_INIT_TEXT;
	return rule->class == CLASS_RODATA ? constant_class(s) : rule->class;
}

const char *section_advice(const char *name)
{
	const struct class_rule *rule = find_rule(name);

	return rule ? rule->advice : NULL;
}
