// SPDX-License-Identifier: GPL-2.0-or-later
/* A livepatch of a module, without a relocation that would tell which. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <net/net_namespace.h>

static bool patched_valid_genid(struct net *net, u32 genid)
{
	return true;
}

static struct klp_func functions[] = {
	{ .old_name = "nf_tables_valid_genid", .new_func = patched_valid_genid }, {}
};

static struct klp_object objects[] = { { .name = "nf_tables", .funcs = functions }, {} };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init lab_late_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit lab_late_exit(void)
{
}

module_init(lab_late_init);
module_exit(lab_late_exit);
MODULE_DESCRIPTION("livepatch of nf_tables for the tests of suture-lab");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
