/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/state.h"

#define TO(state) (1U << (state))

/* States to rest in. */
#define RESTS                                                                                     \
	(TO(MACHINE_UNAPPLIED) | TO(MACHINE_APPLIED) | TO(MACHINE_REFUSED) | TO(MACHINE_FAILED) | \
	 TO(MACHINE_REVERTED) | TO(MACHINE_QUARANTINED))
/* Rests in which no patch of ours is in the kernel, or may be. */
#define OUT (RESTS & ~TO(MACHINE_APPLIED))

/*
 * One rest may follow another without a step: a check clears an old failure, the machine boots
 * another kernel, the owner allows a version again. `applied` is only reached through a step, or
 * back from a state that left the applied patch alone.
 */
static const unsigned int next_states[MACHINE_STATES] = {
	[MACHINE_UNAPPLIED] = OUT | TO(MACHINE_DOWNLOADING) | TO(MACHINE_VERIFYING),
	[MACHINE_DOWNLOADING] = RESTS | TO(MACHINE_VERIFYING),
	[MACHINE_VERIFYING] = RESTS | TO(MACHINE_APPLYING),
	[MACHINE_APPLYING] = RESTS,
	[MACHINE_APPLIED] =
		RESTS | TO(MACHINE_DOWNLOADING) | TO(MACHINE_VERIFYING) | TO(MACHINE_APPLYING),
	[MACHINE_REFUSED] =
		RESTS | TO(MACHINE_DOWNLOADING) | TO(MACHINE_VERIFYING) | TO(MACHINE_APPLYING),
	[MACHINE_FAILED] =
		RESTS | TO(MACHINE_DOWNLOADING) | TO(MACHINE_VERIFYING) | TO(MACHINE_APPLYING),
	[MACHINE_REVERTED] = OUT | TO(MACHINE_DOWNLOADING) | TO(MACHINE_VERIFYING),
	[MACHINE_QUARANTINED] =
		RESTS | TO(MACHINE_DOWNLOADING) | TO(MACHINE_VERIFYING) | TO(MACHINE_APPLYING),
};

bool state_may_follow(enum machine_state from, enum machine_state to)
{
	return from == to || (next_states[from] & TO(to)) != 0;
}

bool state_is_busy(enum machine_state state)
{
	return state == MACHINE_DOWNLOADING || state == MACHINE_VERIFYING ||
	       state == MACHINE_APPLYING;
}
