// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch by hand that uses what the kernel does not export: by name alone, and as the source
 * says.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <suture/livepatch.h>

extern char *saved_command_line;
extern int shown(struct seq_file *m, void *v) SUTURE_SYMBOL(vmlinux, version_proc_show, 0);

static int by_hand_show(struct seq_file *m, void *v)
{
	seq_printf(m, "by hand: %s\n", saved_command_line);
	return shown(m, v);
}

static int by_hand_pre_patch(struct klp_object *object)
{
	pr_info("by hand: pre_patch\n");
	return 0;
}

static struct klp_func functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = by_hand_show }, {}
};

static struct klp_object objects[] = {
	{ .funcs = functions, .callbacks = { .pre_patch = by_hand_pre_patch } }, {}
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects, .replace = true };

static int __init by_hand_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit by_hand_exit(void)
{
}

module_init(by_hand_init);
module_exit(by_hand_exit);
MODULE_DESCRIPTION("livepatch by hand for the tests of suture-build");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
