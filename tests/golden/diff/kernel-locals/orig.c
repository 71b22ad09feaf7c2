/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#define in(name) __attribute__((section(name)))

int passes(const void *address);

/* What macros and the compiler make for one use: a copy goes along. */
int copied(int x)
{
	static char in(".data.unlikely") __warned;
	static char in(".data..read_mostly") __print_once;
	static char in(".data..once") any;
	static struct {
		long a[7];
	} descriptor in("__dyndbg") = { { 1 } };
	static const char *in("__tracepoint_str") tp = "text";
	static int _rs[4] = { 1 };
	static int __key[2];

	if (!__warned && !__print_once && !any)
		__warned = __print_once = any = 1;
	passes(&descriptor);
	passes(&tp);
	passes(_rs);
	passes(__key);
	{
		static int __key[2] = { 1 };

		passes(__key);
	}
	return outside(x) + 1;
}

int made_by_the_compiler(int x)
{
	switch (x) {
	case 0: return 40 + 1;
	case 1: return 17;
	case 2: return 23;
	case 3: return 5;
	case 4: return 99;
	case 5: return 28;
	case 6: return 3;
	}
	return outside(x) + 1;
}

/* Nearly the same, but a state: the kernel's own is used. */
int shared(int x)
{
	static char in(".data.once") passed;
	static short in(".data.once") wide;
	static int __key;
	static int __msg = 1;

	passes(&passed);
	wide++;
	__key += x;
	return outside(x) + wide + __key + __msg++ + 1;
}
