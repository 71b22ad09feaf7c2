/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static keys and static calls that a module owns, used by functions of that module that a live
 * patch replaces. The kernel sets up the jump labels and static call sites of the livepatch module
 * when that one is loaded: before the addresses of the other module need be known.
 *
 *   a static call    goes through its trampoline, which the kernel keeps pointing to what is called
 *   a tracepoint     stays silent in the new function: the branch to it becomes a no-op
 *   any other key    is refused, by its name
 */
#pragma once

#include "build/diff/diff.h"
#include "build/object/symvers.h"

/*
 * Settles these uses in an accepted diff of a module's unit. `symvers` tells which symbols are the
 * kernel's own; NULL: all that the unit does not define itself. What is refused, and what stays
 * silent, is added to `reasons` (REASON_MODULE_KEY, REASON_SILENT_TRACEPOINT) about `file`.
 * ERR_NO_MEMORY, ERR_TOO_LARGE.
 */
int module_keys_settle(struct diff *diff, const struct symvers *symvers, const char *file,
		       struct reason_list *reasons) _warn_unused_;
