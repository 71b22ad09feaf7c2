/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Constants that look like line numbers and are none, and a line in a string. */
int two(int a, int b);
int report(const char *name, int number);
int __ext4_std_error(void *sb, const char *function, unsigned int line, int error);

int plain(int x)
{
	return two(x, 31);
}

int named(void)
{
	return report("no file", 41);
}

int other_argument(void *sb)
{
	return __ext4_std_error(sb, __func__, 50, 61);
}

int overwritten(int x)
{
	return two(71, x) + report("a.c", x);
}

int seven(int a, int b, int c, int d, int e, int f, int g);

int pushed(int x)
{
	return seven(x, 1, 2, 3, 4, 5, 1041) + 1;
}

int tells(int x)
{
	return printk("message of foo.h:2") + outside(x);
}

/* Not what __FILE__ is: that has folders. */
int no_path(void)
{
	return report("auto.c", 6);
}

int jbd2__journal_start(void *journal, int a, int b, int c, int d, int e, unsigned line, int more);

int stacked(void *journal, int x)
{
	return jbd2__journal_start(journal, 1, 2, 3, 4, 5, x, 1041) + 1;
}

int later(int x)
{
	return report("fs/a.c", outside(x)) + report("no file", 51);
}

int spaced(void)
{
	return report("see fs/a.c", 61);
}

int too_large(void)
{
	return report("fs/a.c", 700001);
}
