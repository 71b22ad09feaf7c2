/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What a module says of itself, what it exports, and functions that threads run. */
const char license[] __used __attribute__((section(".modinfo"))) = "license=GPL2";
int __ksymtab_new;

int kthread_create_on_node(int (*thread)(int), int x);

int thread(int x)
{
	return outside(x) + 2;
}

int respawn(int x)
{
	return kthread_create_on_node(respawn, x + 2) + 1;
}

int callback(int x)
{
	return outside(x) + 2 * 2;
}

noinline int helper(int x)
{
	return outside(x) + 2 * 3;
}

int start(int x)
{
	return helper(x) + kthread_create_on_node(thread, x);
}

int (*starter)(int (*)(int), int);

int (*no_start(int x))(int)
{
	starter = kthread_create_on_node;
	return callback;
}
