// SPDX-License-Identifier: GPL-2.0-or-later
/* A kprobe with a post_handler at the beginning of kernel_clone(): it redirects the function
 * through ftrace (IPMODIFY), so that no livepatch can. */
#include <linux/kprobes.h>
#include <linux/module.h>

static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "kernel_clone",
	.post_handler = after,
};

static int __init hook_init(void)
{
	return register_kprobe(&probe);
}

static void __exit hook_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(hook_init);
module_exit(hook_exit);
MODULE_DESCRIPTION("kprobe that redirects kernel_clone");
MODULE_LICENSE("GPL");
