/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that leaves nothing behind when it is interrupted. */
#pragma once

#include "base/error.h"

typedef int (*guard_fn)(void *user, struct error *err);

/*
 * Runs `work` in a child process and returns its result. On SIGINT, SIGTERM or SIGHUP the child and
 * every process that came from it are killed, `clean` (with the same `user`) is called, and the
 * signal ends this process as it would have. A child that was killed is ERR_CHILD, after `clean`
 * too. Call it before there are threads. What `work` changes in memory is lost.
 */
int guard_run(guard_fn work, guard_fn clean, void *user, struct error *err);
