// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch of five functions, one of them in a module, for the tests of suture-lab: show() of
 * /proc/execdomains kills who reads it, /proc/cmdline and /proc/filesystems say something else.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

static int same_show(struct seq_file *m, void *v)
{
	seq_puts(m, "0 0\n");
	return 0;
}

static int oops_show(struct seq_file *m, void *v)
{
	WRITE_ONCE(*(int *)8, 1);
	return 0;
}

static bool valid_genid(struct net *net, u32 genid)
{
	return true;
}

static struct klp_func kernel_functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = same_show },
	{ .old_name = "execdomains_proc_show", .new_func = oops_show },
	{ .old_name = "filesystems_proc_show", .new_func = same_show },
	{ .old_name = "devinfo_show", .new_func = same_show },
	{}
};

static struct klp_func module_functions[] = {
	{ .old_name = "nf_tables_valid_genid", .new_func = valid_genid }, {}
};

static struct klp_object objects[] = {
	{ .funcs = kernel_functions },
	{ .name = "nf_tables", .funcs = module_functions },
	{},
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects, .replace = true };

static int __init lab_many_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit lab_many_exit(void)
{
}

module_init(lab_many_init);
module_exit(lab_many_exit);
MODULE_DESCRIPTION("livepatch of five functions for the tests of suture-lab");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
