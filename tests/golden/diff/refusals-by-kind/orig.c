/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What a variable or function is for decides the words. */
#define in(name) __attribute__((section(name)))

int proc_dointvec(int x);
int own(int x);

int counter in(".data..percpu") = 1;
int fixed in(".data..ro_after_init") = 1;
int limit = 1;
int plain = 1;
int *const __param_limit in("__param") = &limit;

struct {
	int (*handler)(int x);
	int mode;
} sysctl = { proc_dointvec, 1 }, table = { own, 1 };

notrace int hidden(int x)
{
	return outside(x) + 1;
}

notrace int in(".noinstr.text") quiet(int x)
{
	return outside(x) + 1;
}

int own(int x)
{
	return outside(x);
}
