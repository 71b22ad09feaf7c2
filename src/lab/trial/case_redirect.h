/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's half of the case `redirect`: what the guest saw, against the build record. */
#pragma once

#include "lab/trial/trial_guest.h"

/*
 * `said`: what cases/redirect.sh printed, from a guest that may be hostile: lines
 *	@function OBJECT NAME POSITION           the kernel's sysfs names it as replaced
 *	@code OBJECT NAME SYMPOS HEX|-           a function of the record, before the patch was
 *loaded
 *	@patched, @restored OBJECT NAME POSITION HEX|-     its first bytes then
 *	@unpatched OBJECT                        a module that is not loaded
 * Fails with CAUSE_LAB where the code of any other object could not be read, with
 * CAUSE_WRONG_FUNCTION where the record names another function than the kernel, or one
 * whose code is not what it describes; with CAUSE_NOT_REDIRECTED where the first bytes of a
 *function are the same, patched and not. The counterpart of sympos 0 in sysfs is position 1
 * (klp_init_object_loaded() in the kernel's kernel/livepatch/core.c).
 */
void case_redirect_judge(struct trial_guest *t, const char *said, struct trial_outcome *ret);
