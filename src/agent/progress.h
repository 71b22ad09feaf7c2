/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeing a transition through: how far it is, and who held it up when its time is over. */
#pragma once

#include "agent/agent.h"

/*
 * kernel_livepatch_wait() with the agent's root and `cancel_fd`. Meanwhile the tasks that have
 * changed are counted, at most once a second and for a twentieth of the time, and the status is
 * written anew. ERR_STUCK names some of the tasks that have not changed and the functions of the
 * patch that they are in, as far as they may be looked at (patch_state wants CAP_DAC_READ_SEARCH,
 * the stack CAP_SYS_ADMIN). Turning the transition back is the caller's.
 */
int progress_wait(struct agent *agent, const char *module, bool in, int timeout_ms,
		  struct error *err);
