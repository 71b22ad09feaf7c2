/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocking calls of `exercise sleep`. */
#pragma once

#include "lab/exercise/exercise.h"

/* What the sleepers wait for and cannot have of their own; the parent makes it and takes it away.
 */
struct sleep_room {
	int locked;     /* a file that the parent has locked whole with F_SETLK */
	int messages;   /* empty queue of System V; -1: none */
	int full;       /* full queue */
	int semaphores; /* one semaphore, at 0 */
	char fifo[64];  /* without a writer; "": none */
};

struct sleeper {
	const char *name;
	long call; /* system call in which it sleeps */
	/* Prepares and sleeps. Returns only if this kernel or machine does not have it. */
	void (*run)(const struct sleep_room *room);
};

/* Ends with an empty name. */
extern const struct sleeper sleepers[];
