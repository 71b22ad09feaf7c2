// SPDX-License-Identifier: GPL-2.0-or-later
/* A livepatch by hand: /proc/cmdline says "patched". */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int patched_show(struct seq_file *m, void *v)
{
	seq_puts(m, "patched\n");
	return 0;
}

static struct klp_func functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = patched_show }, {}
};

static struct klp_object objects[] = { { .funcs = functions }, {} };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init lab_patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit lab_patch_exit(void)
{
}

module_init(lab_patch_init);
module_exit(lab_patch_exit);
MODULE_DESCRIPTION("livepatch of cmdline_proc_show for the tests of suture-lab");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
