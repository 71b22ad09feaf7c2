/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watch of a version that is new on a kernel: for `watch-time` after its load the machine's end
 * is held against it, in one of three classes (agent/ending.h). The time counts in CLOCK_MONOTONIC:
 * a machine that sleeps does not survive anything. A restart of sutured goes on with what remains,
 * and so does the next boot after a clean end, from the moment that the patch is in the kernel
 * again; after any other end the watch begins anew with the second try.
 */
#pragma once

#include "agent/agent.h"

/* Notes in a draft which evidence of crashes is there before a load. */
void watch_note_evidence(const struct agent *agent, struct journal *draft);
/* Opens (or goes on with) the watch of what has just been loaded, in the draft that ends the step;
 * none for a version that has survived one on this kernel. */
void watch_open(const struct agent *agent, struct journal *draft, const struct journal_step *step);
/* Forgets the watch of a version that is no longer in the kernel. */
void watch_drop(struct journal *draft, struct patch_version version);

/* Milliseconds until the watch ends; -1 when none runs in this boot. */
int64_t watch_left_ms(const struct agent *agent);
/* Ends the watch if its time has passed: the version has survived. 0 also when it has not. */
int watch_tick(struct agent *agent, struct error *err);
/* sutured was told to end: what follows is no crash. `log_next` as kernel_log_next(). */
void watch_stop(struct agent *agent, uint64_t log_next);

/*
 * At start, with a load open that was begun in an earlier boot: judges that boot's end in the
 * draft, which afterwards has no open step.
 */
void watch_judge_step(const struct agent *agent, struct journal *draft);
/* At start, without an open step: judges the end of an earlier boot amid a watch, or goes on with a
 * watch of this boot. */
int watch_boot(struct agent *agent, struct error *err);
/* Before a second try: evidence that came late (a crash dump that was still being written) puts the
 * version into quarantine after all. */
int watch_look_again(struct agent *agent, struct error *err);
