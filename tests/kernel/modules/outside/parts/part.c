// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/printk.h>
#include "../outside.h"

int outside_part(int n)
{
	pr_debug("%s:%d\n", __FILE__, __LINE__);
	return n * 3;
}
