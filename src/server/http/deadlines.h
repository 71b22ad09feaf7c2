/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines of connections. libmicrohttpd's own limit starts anew with every byte, so a client that
 * sends one byte at a time would never end; here a thread shuts the socket of each connection that
 * is past its deadline, whatever it sends.
 */
#pragma once

#include "base/error.h"

struct deadlines;
struct deadline; /* one connection */

/* Starts the thread. The caller ends it with deadlines_free(), after all connections are gone. */
int deadlines_new(struct deadlines **ret, struct error *err);
void deadlines_free(struct deadlines *deadlines);

/* A connection over a socket, to be cut in `ms` milliseconds. NULL without memory. */
struct deadline *deadline_add(struct deadlines *deadlines, int fd, int ms);
/* Another deadline, `ms` from now. */
void deadline_set(struct deadline *deadline, int ms);
/* The socket is about to be closed. */
void deadline_remove(struct deadline *deadline);

/* Connections cut so far. */
uint64_t deadlines_cut(struct deadlines *deadlines);
