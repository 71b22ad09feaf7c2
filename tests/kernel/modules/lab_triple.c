// SPDX-License-Identifier: GPL-2.0-or-later
/* A triple fault: a trap without any interrupt descriptor. */
#include <linux/module.h>

static int __init lab_triple_init(void)
{
	static const struct {
		u16 size;
		u64 address;
	} __packed none;

	asm volatile("lidt %0; int3" : : "m"(none));
	return 0;
}

module_init(lab_triple_init);
MODULE_DESCRIPTION("a triple fault, for the tests of suture-lab");
MODULE_LICENSE("GPL");
