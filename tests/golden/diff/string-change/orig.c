/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	return printk("value of first");
}

int second(int x)
{
	return printk("value of second");
}

int third(int x)
{
	return printk("value of third") + x;
}
