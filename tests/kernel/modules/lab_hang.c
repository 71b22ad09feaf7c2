// SPDX-License-Identifier: GPL-2.0-or-later
/* Never comes back: interrupts off, on the last processor. */
#include <linux/module.h>
#include <linux/smp.h>

static noinline void lab_hang_here(void *unused)
{
	unsigned long flags;

	local_irq_save(flags);
	pr_emerg("lab_hang: spins on CPU %d\n", smp_processor_id());
	for (;;)
		cpu_relax();
}

static int __init lab_hang_init(void)
{
	return smp_call_function_single((int)num_online_cpus() - 1, lab_hang_here, NULL, 1);
}

module_init(lab_hang_init);
MODULE_DESCRIPTION("a processor that hangs, for the tests of suture-lab");
MODULE_LICENSE("GPL");
