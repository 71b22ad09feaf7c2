/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What the kernel's macros hand on with __LINE__: a file and a line; a function and a line to a
 * known function; either on the stack. */
int cloned_error(void *sb, const char *function, unsigned int line, int error)
	asm("__ext4_std_error.constprop.0");
int warn_at(const char *text, const char *file, int line);
int __ext4_std_error(void *sb, const char *function, unsigned int line, int error);
void corruption_at(const char *tag, int level, void *mount, const void *data, long size,
		   const char *file, int line, void *address);
int jbd2__journal_start(void *journal, int a, int b, int c, int d, int e, unsigned int line);

#define ASSERT(condition)                                                         \
	do {                                                                      \
		if (unlikely(!(condition)))                                       \
			warn_at("assertion failed at %s (%d)", __FILE__, __LINE__); \
	} while (0)

int changes(int x)
{
	return outside(x);
}

int asserts(int x)
{
	ASSERT(x > 3);
	return outside(x);
}

int reports(void *sb, int x)
{
	if (x < 0)
		return __ext4_std_error(sb, __func__, __LINE__, x);
	return outside(x) + 1;
}

void corrupts(void *mount, const void *data)
{
	if (unlikely(!data))
		corruption_at("corrupts", 1, mount, data, 8, __FILE__, __LINE__ + 1000,
			      __builtin_return_address(0));
}

int starts(void *journal, int x)
{
	return jbd2__journal_start(journal, x, 1, 2, 3, 4, __LINE__ + 1000) + 1;
}

int cloned(void *sb)
{
	return cloned_error(sb, __func__, __LINE__, 5) + 1;
}
