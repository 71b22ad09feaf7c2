/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules of the stock kernel, loaded into a guest that runs already. */
#pragma once

#include "lab/guest/guest.h"

/*
 * Loads the module `name` of `modules` (guest_options.modules) and before it what it needs, as far
 * as that is not loaded yet; the files stay in the guest, below GUEST_MODULES. A module that is
 * built in or loaded needs nothing. What one of the others says when it is refused counts only if
 * `name` itself cannot be loaded then: modprobe(8) goes on after a soft dependency too.
 * `timeout_ms` is for each module. Errors: ERR_NOT_FOUND (no such module), ERR_CHILD (the kernel
 * refused it, in insmod's words: its hardware is not there), those of guest_put() and
 * guest_run_simple().
 */
int guest_load_module(struct guest *guest, const char *modules, const char *name, int timeout_ms,
		      struct error *err);
