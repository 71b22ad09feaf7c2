/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/tracers on files as the kernels of 6.1 and 6.12 write them. */
#include "fake_tree.h"

#include "kernel/tracers.h"

static const struct kernel_traced functions[] = {
	{ "vmlinux", "cmdline_proc_show" },
	{ "vmlinux", "version_proc_show" },
	{ "nf_tables", "nft_do_chain" },
};

/* 6.1: no O and M; both ways to say who is called. */
static const char enabled_6_1[] =
	"schedule (1)           \ttramp: 0xffffffffc0400000 (function_trace_call+0x0/0x10)\n"
	"cmdline_proc_show (1)   I  \ttramp: 0xffffffffc0401000 (klp_ftrace_handler+0x0/0x180) "
	"->ftrace_ops_assist_func+0x0/0x100\n"
	"version_proc_show (2) R I   ->ftrace_ops_list_func+0x0/0x1b0\n"
	"nft_do_chain [nf_tables] (1)     D\ttramp: ftrace_regs_caller+0x0/0x5d "
	"(call_direct_funcs+0x0/0x20)\n"
	"\tdirect-->bpf_trampoline_6442_0+0x0/0x1000\n"
	"nft_do_chain (1) R      ->kprobe_ftrace_handler+0x0/0x180 I D\n";

static char *make_tree(void)
{
	char *root = unit_make_dir();

	put_text(root, "sys/kernel/debug/kprobes/list", "");
	put_text(root, "sys/kernel/tracing/enabled_functions", "");
	return root;
}

static void read_all(const char *root, struct kernel_tracers *tracers)
{
	struct error err = { 0 };

	assert_ok(kernel_tracers_read(root, functions, ARRAY_SIZE(functions), tracers, &err), &err);
}

static void kprobes(void **state)
{
	struct kernel_tracers t;
	char *root = make_tree();

	(void)state;
	put_text(root, "sys/kernel/debug/kprobes/list",
		 "ffffffff81234560  k  cmdline_proc_show+0x0    [FTRACE]\n"
		 "0000000000000000  r  nft_do_chain+0x14  nf_tables [DISABLED][OPTIMIZED]\n"
		 "ffffffff81234570  k  nft_do_chain+0x0    \n"
		 "ffffffff81234580  k  schedule+0x5    [DISABLED]\n"
		 "ffffffff81234590  k  cmdline_proc_show_more+0x0    \n"
		 "nonsense\nffffffff81234590  x  cmdline_proc_show+0x0    \n\n");
	read_all(root, &t);
	assert_int_equal(t.kprobes_error, 0);
	assert_int_equal(t.kprobes, 5);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.items[0].kind, KERNEL_TRACER_KPROBE);
	assert_string_equal(t.items[0].name, "cmdline_proc_show");
	assert_int_equal(t.items[1].kind, KERNEL_TRACER_KRETPROBE);
	assert_string_equal(t.items[1].object, "nf_tables");
	assert_int_equal(kernel_tracers_judge(&t, NULL), 0);
	kernel_tracers_free(&t);
	unit_remove_dir(root);
}

static void redirects(void **state)
{
	struct error err = { 0 };
	struct kernel_tracers t;
	char *root = make_tree();

	(void)state;
	put_text(root, "sys/kernel/tracing/enabled_functions", enabled_6_1);
	read_all(root, &t);
	assert_int_equal(t.ftrace_error, 0);
	/* The livepatch's own does not count, nor what only traces. */
	assert_int_equal(t.redirects, 1);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.items[0].kind, KERNEL_TRACER_REDIRECT);
	assert_string_equal(t.items[0].name, "version_proc_show");
	assert_int_equal(t.items[1].kind, KERNEL_TRACER_DIRECT);
	assert_string_equal(t.items[1].object, "nf_tables");
	assert_int_equal(kernel_tracers_judge(&t, &err), ERR_BAD_STATE);
	assert_non_null(strstr(err.message, "version_proc_show"));
	assert_non_null(strstr(err.hint, "enabled_functions"));
	kernel_tracers_free(&t);

	/* A livepatch that shares its function with a tracer, so that the line does not name it. */
	put_text(root, "sys/kernel/livepatch/other/enabled", "1\n");
	put_text(root, "sys/kernel/livepatch/other/transition", "0\n");
	put_text(root, "sys/kernel/livepatch/other/vmlinux/version_proc_show,1/x", "");
	assert_ok(kernel_tracers_permit(root, functions, ARRAY_SIZE(functions), &err), &err);
	take_away(root, "sys/kernel/livepatch/other/vmlinux/version_proc_show,1");
	put_text(root, "sys/kernel/livepatch/other/nf_tables/version_proc_show,1/x", "");
	assert_int_equal(kernel_tracers_permit(root, functions, ARRAY_SIZE(functions), &err),
			 ERR_BAD_STATE);
	/* Others' functions are no matter. */
	assert_ok(kernel_tracers_permit(root, functions, 1, &err), &err);
	unit_remove_dir(root);
}

/* 6.12 has two columns more. */
static void newer_kernel(void **state)
{
	struct kernel_tracers t;
	char *root = make_tree();

	(void)state;
	put_text(
		root, "sys/kernel/tracing/enabled_functions",
		"cmdline_proc_show (1)   I     M \ttramp: 0xffffffffc0401000 "
		"(kprobe_ftrace_handler+0x0/0x180)\n"
		"version_proc_show (1)     D O M \tops: direct_ops+0x0/0x1 (x+0x0/0x1)\n"
		"nft_do_chain [nf_tables] (1)         M \ttramp: 0xffffffffc0401000 (D+0x0/0x1)\n");
	read_all(root, &t);
	assert_int_equal(t.redirects, 1);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.items[0].kind, KERNEL_TRACER_REDIRECT);
	assert_int_equal(t.items[1].kind, KERNEL_TRACER_DIRECT);
	kernel_tracers_free(&t);
	unit_remove_dir(root);
}

/* What cannot be read is said, and is no reason to refuse. */
static void unreadable(void **state)
{
	struct error err = { 0 };
	struct kernel_tracers t;
	char *root = unit_make_dir();

	(void)state;
	read_all(root, &t);
	assert_int_equal(t.kprobes_error, -ENOENT);
	assert_int_equal(t.ftrace_error, -ENOENT);
	kernel_tracers_free(&t);
	assert_ok(kernel_tracers_permit(root, functions, ARRAY_SIZE(functions), &err), &err);
	/* Where tracefs alone is not mounted, debugfs may have it. */
	put_text(root, "sys/kernel/debug/tracing/enabled_functions",
		 "version_proc_show (1)   I   ->x\n");
	assert_int_equal(kernel_tracers_permit(root, functions, ARRAY_SIZE(functions), &err),
			 ERR_BAD_STATE);
	put_text(root, "sys/kernel/debug/kprobes/list/x", "");
	read_all(root, &t);
	assert_int_equal(t.kprobes_error, -EISDIR);
	assert_int_equal(t.ftrace_error, 0);
	kernel_tracers_free(&t);
	unit_remove_dir(root);
}

static void many(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1024 * 1024);
	struct kernel_tracers t;
	char *root = make_tree();

	(void)state;
	for (int i = 0; i < 2 * KERNEL_TRACERS_MAX; i++)
		assert_int_equal(buf_printf(&text, "0  k  cmdline_proc_show+0x%x    \n", i), 0);
	put(root, "sys/kernel/debug/kprobes/list", text.data, text.len);
	read_all(root, &t);
	assert_int_equal(t.kprobes, 2 * KERNEL_TRACERS_MAX);
	assert_int_equal(t.n, KERNEL_TRACERS_MAX);
	assert_true(t.cut);
	kernel_tracers_free(&t);
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kprobes),      cmocka_unit_test(redirects),
		cmocka_unit_test(newer_kernel), cmocka_unit_test(unreadable),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests_name("tracers", tests, NULL, NULL);
}
