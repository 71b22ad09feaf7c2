// SPDX-License-Identifier: GPL-2.0-or-later
/* A module that is not part of the kernel, made of two files: /proc/outside. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "outside.h"

static int shown;

static int outside_show(struct seq_file *m, void *v)
{
	if (WARN_ON_ONCE(!m))
		return -EINVAL;
	shown += OUTSIDE_STEP;
	seq_printf(m, "as built %d\n", outside_part(shown));
	return 0;
}

static int __init outside_init(void)
{
	return proc_create_single("outside", 0, NULL, outside_show) ? 0 : -ENOMEM;
}

static void __exit outside_exit(void)
{
	remove_proc_entry("outside", NULL);
}

module_init(outside_init);
module_exit(outside_exit);
MODULE_DESCRIPTION("a module outside the kernel for the tests of suture-build");
MODULE_LICENSE("GPL");
