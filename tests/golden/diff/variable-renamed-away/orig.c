/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

struct mutex {
	long owner;
	void *next;
};

int lock(void *what);

/* The function and the variable of the file that it counts in have other names in the other one. */
static int users;

static noinline int get(int x)
{
	return users += outside(x);
}

int open(int x)
{
	return get(x) + 1;
}

/* ... a static variable of its own ... */
static noinline int tick(int x)
{
	static long ticks;

	return ticks += outside(x);
}

int count(int x)
{
	return tick(x) + 2;
}

/* ... of a function that cannot be redirected ... */
static notrace noinline int probe(int x)
{
	static short probes;

	return probes += outside(x);
}

int scan(int x)
{
	return probe(x) + 3;
}

/* ... and a lock is one of another kind. */
static int state_lock;
static char state;

int change(int x)
{
	lock(&state_lock);
	return state = x;
}
