/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of changes that the running kernel does not see, or that would get in its way. */
#include "build/diff/diff.h"
#include "sample_object.h"

struct pair {
	struct sample a, b;
	struct diff *diff;
	const struct diff_result *result;
};

/* Two samples in which second() differs. */
static void open_pair(struct pair *p)
{
	*p = (struct pair){ 0 };
	sample_make(&p->a, 1, 2, "text");
	sample_make(&p->b, 9, 2, "text");
}

static void run(struct pair *p, const char *object)
{
	struct diff_options options = { .name = object, .unit = "unit" };
	struct error err = { 0 };

	assert_ok(diff_objects(p->a.object, p->b.object, &options, &p->diff, &err), &err);
	p->result = diff_result(p->diff);
}

static void close_pair(struct pair *p)
{
	diff_free(p->diff);
	elf_object_free(p->a.object);
	elf_object_free(p->b.object);
}

static bool has(const struct pair *p, enum reason_code code, const char *subject)
{
	for (size_t i = 0; i < p->result->reason_count; i++)
		if (p->result->reasons[i].code == code &&
		    streq(p->result->reasons[i].subject, subject))
			return true;
	return false;
}

/* A changed function of that name in that object: the one reason, or none (0). */
static void expect(const char *object, const char *name, enum reason_code code)
{
	struct pair p;

	open_pair(&p);
	p.a.second->name = p.b.second->name = name;
	run(&p, object);
	if (p.result->reason_count != (code ? 1 : 0) || (code && !has(&p, code, name)))
		fail_msg("%s of %s: %zu reasons, %s", name, object, p.result->reason_count,
			 p.result->reason_count ? reason_name(p.result->reasons[0].code) : "none");
	close_pair(&p);
}

static void functions_that_are_never_left(void **state)
{
	static const char *const names[] = {
		"__schedule",
		"cpu_startup_entry",
		"do_idle",
		"irq_thread",
		"kcompactd",
		"khugepaged",
		"kswapd",
		"kthread",
		"kthread_worker_fn",
		"kthreadd",
		"rcu_gp_kthread",
		"rcu_nocb_cb_kthread",
		"rcu_tasks_kthread",
		"rescuer_thread",
		"ret_from_fork",
		"schedule",
		"schedule_hrtimeout_range_clock",
		"schedule_idle",
		"schedule_timeout",
		"smpboot_thread_fn",
		"worker_thread",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect("kernel/x.o", names[i], REASON_NEVER_ENDS);
	expect("kernel/x.o", "kthread_stop", 0);
	expect("kernel/x.o", "scheduler", 0);
}

static void functions_that_replace_functions(void **state)
{
	static const char *const all[] = {
		"kernel/livepatch/transition.o",    "kernel/trace/ftrace.o",
		"arch/x86/kernel/ftrace.o",         "arch/x86/kernel/unwind_orc.o",
		"arch/x86/kernel/kprobes/ftrace.o", "kernel/stop_machine.o",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		expect(all[i], "second", REASON_PATCHING_PATH);
	expect("arch/x86/kernel/alternative.o", "text_poke_bp", REASON_PATCHING_PATH);
	expect("arch/x86/kernel/alternative.o", "second", 0);
	expect("arch/x86/kernel/stacktrace.o", "arch_stack_walk_reliable", REASON_PATCHING_PATH);
	expect("arch/x86/kernel/stacktrace.o", "second", 0);
	expect("kernel/stacktrace.o", "stack_trace_save_tsk_reliable", REASON_PATCHING_PATH);
	expect("kernel/stacktrace.o", "second", 0);
	expect("kernel/trace/trace.o", "second", 0);
	expect("drivers/kernel/livepatch/x.o", "second", 0);
}

static void functions_on_the_way_in(void **state)
{
	(void)state;
	expect("arch/x86/entry/common.o", "second", REASON_ENTRY_CODE);
	expect("arch/x86/kernel/nmi.o", "second", REASON_ENTRY_CODE);
	expect("arch/x86/kernel/traps.o", "second", REASON_ENTRY_CODE);
	expect("kernel/entry/common.o", "second", REASON_ENTRY_CODE);
	expect("arch/x86/kernel/time.o", "second", 0);
}

/* first(): hands the address of second() to `called`, or calls it. */
static void hand_over(struct sample *s, const char *called, bool address)
{
	/* call __fentry__; mov $second, %rdi; call outside; ret */
	static const uint8_t code[] = { 0xe8, 0, 0, 0,    0, 0x48, 0xc7, 0xc7, 0,
					0,    0, 0, 0xe8, 0, 0,    0,    0,    0xc3 };
	/* call __fentry__; nop; nop; call second; call outside; ret */
	static const uint8_t calls[] = { 0xe8, 0, 0, 0,    0, 0x90, 0x90, 0xe8, 0,
					 0,    0, 0, 0xe8, 0, 0,    0,    0,    0xc3 };
	struct elf_object *o = s->object;

	s->text_first->data = arena_memdup(o->arena, address ? code : calls, sizeof(code));
	s->text_first->size = s->first->size = sizeof(code);
	s->text_first->rela->rela_count = 0;
	s->text_first->rela = NULL;
	s->outside->name = called;
	sample_relas(o, s->text_first,
		     (struct elf_rela[]){ { 1, s->fentry, R_X86_64_PLT32, -4 },
					  { 8, s->second, address ? R_X86_64_32S : R_X86_64_PLT32,
					    address ? 0 : -4 },
					  { 13, s->outside, R_X86_64_PLT32, -4 } },
		     3);
}

static void functions_of_threads(void **state)
{
	static const struct {
		const char *called;
		bool address, never;
	} cases[] = {
		{ "create_io_thread", true, true },      { "kernel_thread", true, true },
		{ "kthread_create_on_cpu", true, true }, { "kthread_create_on_node", true, true },
		{ "vhost_task_create", true, true },     { "kthread_create_on_node", false, false },
		{ "request_irq", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p;

		open_pair(&p);
		hand_over(&p.a, cases[i].called, cases[i].address);
		hand_over(&p.b, cases[i].called, cases[i].address);
		run(&p, "unit.o");
		assert_int_equal(has(&p, REASON_NEVER_ENDS, "second"), cases[i].never);
		assert_int_equal(p.result->reason_count, cases[i].never ? 1 : 0);
		close_pair(&p);
	}
}

static void exports(void **state)
{
	static const char *const names[] = { "__ksymtab_one", "__export_symbol_one" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (int where = 0; where < 3; where++) {
			struct pair p;

			open_pair(&p);
			if (where != 1)
				sample_symbol(p.a.object, names[i], STT_NOTYPE, STB_LOCAL,
					      p.a.mcount, 0);
			if (where != 2)
				sample_symbol(p.b.object, names[i], STT_NOTYPE, STB_LOCAL,
					      p.b.mcount, 0);
			run(&p, "unit.o");
			assert_int_equal(has(&p, REASON_EXPORT_LIST, "one"), where != 0);
			assert_int_equal(p.result->reason_count, where != 0 ? 1 : 0);
			close_pair(&p);
		}
}

static void expect_modinfo(const char *a, const char *b, bool changed)
{
	struct pair p;

	open_pair(&p);
	if (a)
		sample_section(p.a.object, ".modinfo", SHF_ALLOC, a, strlen(a) + 1);
	if (b)
		sample_section(p.b.object, ".modinfo", SHF_ALLOC, b, strlen(b) + 1);
	run(&p, "unit.o");
	assert_int_equal(has(&p, REASON_CHANGED_MODINFO, ".modinfo"), changed);
	close_pair(&p);
}

static void strings_of_the_module(void **state)
{
	(void)state;
	expect_modinfo(NULL, NULL, false);
	expect_modinfo("license=GPL", "license=GPL", false);
	expect_modinfo("license=GPL", "license=BSD", true);
	expect_modinfo("license=GPL", "license=GPLx", true);
	expect_modinfo(NULL, "license=GPL", true);
	expect_modinfo("license=GPL", NULL, true);
}

/* A second name of what is there, in both: the one of the original stands for `a`, the other for
 * `b`. */
static void expect_alias(uint8_t binding, bool data, bool moves)
{
	struct pair p;

	open_pair(&p);
	for (int i = 0; i < 2; i++) {
		struct sample *s = i ? &p.b : &p.a;
		struct elf_section *other = sample_section(s->object, ".data.other",
							   SHF_ALLOC | SHF_WRITE, "\1\0\0", 4);
		struct elf_section *to = data ? s->data : s->text_first;

		sample_symbol(s->object, "other", STT_OBJECT, STB_GLOBAL, other, 4);
		if (i && moves)
			to = data ? other : s->text_second;
		sample_symbol(s->object, "alias", data ? STT_OBJECT : STT_FUNC, binding, to,
			      to->size);
	}
	run(&p, "unit.o");
	if (has(&p, REASON_CHANGED_ALIAS, "alias") != moves)
		fail_msg("%s, binding %d: %s", data ? "data" : "code", binding,
			 moves ? "not told" : "told");
	close_pair(&p);
}

static void names_that_lead_elsewhere(void **state)
{
	(void)state;
	for (int moves = 0; moves < 2; moves++) {
		expect_alias(STB_GLOBAL, false, moves);
		expect_alias(STB_WEAK, false, moves);
		expect_alias(STB_GLOBAL, true, moves);
		expect_alias(STB_LOCAL, true, moves);
	}
	/* A function of the file is called as it was compiled. */
	expect_alias(STB_LOCAL, false, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_that_are_never_left),
		cmocka_unit_test(functions_that_replace_functions),
		cmocka_unit_test(functions_on_the_way_in),
		cmocka_unit_test(functions_of_threads),
		cmocka_unit_test(exports),
		cmocka_unit_test(strings_of_the_module),
		cmocka_unit_test(names_that_lead_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
