/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What a variable or function is for decides the words. */
#define in(name) __attribute__((section(name)))

int proc_dointvec(int x);
int own(int x);

int counter in(".data..percpu") = 2;
int fixed in(".data..ro_after_init") = 2;
int limit = 2;
int plain = 2;
int *const __param_limit in("__param") = &limit;

struct {
	int (*handler)(int x);
	int mode;
} sysctl = { proc_dointvec, 2 }, table = { own, 2 };

notrace int hidden(int x)
{
	return outside(x) + 2;
}

notrace int in(".noinstr.text") quiet(int x)
{
	return outside(x) + 2;
}

int own(int x)
{
	return outside(x);
}
