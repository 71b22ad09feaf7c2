/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine does when it looks for a patch, and what its owner can tell it to do instead. */
#pragma once

#include "agent/agent.h"

/*
 * One update: check-in, refresh of the signed metadata, choice, download, verification,
 * application, report. With agent->medium the repository is read from there, verified by the same
 * code, and the check-in before it is left out (ERR_BAD_STATE where a grant is demanded). 0 also
 * when there was nothing to do. On failure the error is in the status too; what was applied before
 * still is.
 */
int update_run(struct agent *agent, struct error *err);

/*
 * The owner goes back: to a listed lower version, or with NULL to the unpatched kernel. The version
 * that was applied, and what is below it, is not applied again until update_unhold() or a newer one
 * appears. ERR_BAD_STATE when nothing is applied, ERR_NOT_LISTED, ERR_USAGE when the version is not
 * lower.
 */
int update_rollback(struct agent *agent, const struct patch_version *to, struct error *err);

/* Holds new versions back; and lets them through again (also one that was taken back). */
int update_hold(struct agent *agent, struct error *err);
int update_unhold(struct agent *agent, struct error *err);

/* The owner lets a version be tried again on this kernel that the machine went down with. One that
 * is accepted is applied at once, others with the next update_run(). ERR_BAD_STATE when neither
 * quarantine nor a delay keeps it back. */
int update_retry(struct agent *agent, struct patch_version version, struct error *err);
