/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private folders for what a program needs while it runs. They vanish with it, however it ends: a
 * small process waits for its end, and what that one could not remove (the machine went down) the
 * next scratch_new() removes. Who uses a folder holds a lock (flock) on it.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

struct scratch;

/*
 * Makes a folder (mode 0700): below /dev/shm if that is in memory and has a GiB to spare, as files
 * in memory cost nothing; else below $TMPDIR, or /tmp. No other thread may be running. Errors:
 * -errno, ERR_NO_MEMORY.
 */
int scratch_new(struct scratch **ret, struct error *err);

/* Its absolute path. */
const char *scratch_path(const struct scratch *s);

/* Takes its path out of a message: what was there will be gone. `s` may be NULL. */
void scratch_unname(const struct scratch *s, struct error *err);

/* Removes the folder and what is in it. Takes NULL. */
void scratch_free(struct scratch *s);
DEFINE_CLEANUP(struct scratch *, scratch_free);
#define _cleanup_scratch_ _cleanup_(scratch_freep)

/* Removes the folders below `base` that programs which ended left behind: those of this user that
 * nobody has locked, and older than a minute (a new one is not locked at once). */
void scratch_sweep(const char *base);
