/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Constants that look like line numbers and are none, and a line in a string. */
int two(int a, int b);
int report(const char *name, int number);
int __ext4_std_error(void *sb, const char *function, unsigned int line, int error);

int plain(int x)
{
	return two(x, 30);
}

int named(void)
{
	return report("no file", 40);
}

int other_argument(void *sb)
{
	return __ext4_std_error(sb, __func__, 50, 60);
}

int overwritten(int x)
{
	return two(70, x) + report("a.c", x);
}

int seven(int a, int b, int c, int d, int e, int f, int g);

int pushed(int x)
{
	return seven(x, 1, 2, 3, 4, 5, 1040) + 1;
}

int tells(int x)
{
	return printk("message of foo.h:1") + outside(x);
}

/* Not what __FILE__ is: that has folders. */
int no_path(void)
{
	return report("auto.c", 5);
}
