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
 * May the kernel replace the applied patch by that older one in one transition? Only if neither has
 * callbacks or states: those of a replaced patch do not run. False if the applied one's record
 * cannot be read.
 */
bool apply_may_replace(const struct agent *agent, const struct patch *older);
/* Loads an older patch over the applied one. `event` and `avoid` as for apply_unload(), the rest as
 * apply_load(). */
int apply_replace(struct agent *agent, const struct patch *older, const char *event, bool avoid,
		  struct error *err);

/*
 * Takes the applied patch out of the kernel: transition back, module removed. `event` goes into the
 * history ("reverted", "recalled", …); `avoid`: the version is not to come back by itself. The
 * patch is no longer accepted from the first moment on. Does nothing when none is applied.
 */
int apply_unload(struct agent *agent, const char *event, bool avoid, struct error *err);
/* The same for a patch that is in quarantine and still in the kernel, unless `on-oops` says that it
 * stays: sutured ended, or the unload failed, when it was to go. */
int apply_unload_bad(struct agent *agent, struct error *err);

/*
 * At start: ends or writes off a step that was begun and has not ended, judges the end of an
 * earlier boot amid a load or a watch (agent/watch.h), takes out what is bad, then applies the
 * accepted patch again, from the disk. Failures are in the journal; the return value is for the
 * log.
 */
int apply_boot(struct agent *agent, struct error *err);

/* Is it too early after this boot to try a load again that the machine went down with? */
bool apply_retry_waits(const struct agent *agent);
/* Milliseconds until it no longer is; -1 when nothing waits for that. */
int64_t apply_retry_left_ms(const struct agent *agent);
/* Applies the accepted patch from the disk if it belongs to this kernel, is not in it, and nothing
 * keeps it back (quarantine, the delay of a second try). Before that it writes off a step of an
 * earlier boot that is still open. 0 also when there is nothing to do. */
int apply_accepted_again(struct agent *agent, struct error *err);
