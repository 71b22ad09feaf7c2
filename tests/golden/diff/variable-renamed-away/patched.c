/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

struct mutex {
	long owner;
	void *next;
};

int lock(void *what);

/* The function and the variable of the file that it counts in have other names in the other one. */
static int nr_users;

static noinline int take(int x)
{
	return nr_users += outside(x);
}

int open(int x)
{
	return take(x) + 1;
}

/* ... a static variable of its own ... */
static noinline int tock(int x)
{
	static long tocks;

	return tocks += outside(x);
}

int count(int x)
{
	return tock(x) + 2;
}

/* ... of a function that cannot be redirected ... */
static notrace noinline int look(int x)
{
	static short looks;

	return looks += outside(x);
}

int scan(int x)
{
	return look(x) + 3;
}

/* ... and a lock is one of another kind. */
static struct mutex state_mutex;
static char state;

int change(int x)
{
	lock(&state_mutex);
	return state = x;
}
