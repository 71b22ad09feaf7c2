/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that change the kernel. Each is in the journal before it is taken. */
#pragma once

#include "agent/patch.h"

/* Looks which patch of ours is in the kernel. */
void apply_detect(struct agent *agent);

/*
 * ERR_BAD_STATE when somebody else's livepatch is in the kernel (ours replaces every other one) and
 * `foreign-livepatch` is `refuse`.
 */
int apply_check_foreign(const struct agent *agent, struct error *err);

/*
 * Loads a verified patch and sees its transition through; the replaced module is removed. The
 * machine must be `verifying`. Afterwards it is `applied`, or `failed` with what was applied before
 * still in the kernel (ERR_KERNEL_REFUSED, ERR_STUCK, …). When sutured is to stop meanwhile
 * (-ECANCELED) the step stays open, and the next start ends it.
 */
int apply_load(struct agent *agent, const struct patch *patch, struct error *err);

/*
 * Takes the applied patch out of the kernel: transition back, module removed. `event` goes into the
 * history ("reverted", "recalled", …); `avoid`: the version is not to come back by itself. The
 * patch is no longer accepted from the first moment on. Does nothing when none is applied.
 */
int apply_unload(struct agent *agent, const char *event, bool avoid, struct error *err);

/*
 * At start: ends or writes off a step that was begun and has not ended, then applies the accepted
 * patch again, from the disk. A load that was begun in an earlier boot and never ended puts its
 * version into quarantine. Failures are in the journal; the return value is for the log.
 */
int apply_boot(struct agent *agent, struct error *err);
