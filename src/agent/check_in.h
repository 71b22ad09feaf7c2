/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The check-in of this machine: what it reports, through the fetcher. */
#pragma once

#include "agent/agent.h"
#include "wire/check_in.h"

/*
 * Reports state and unsent events, and reads the server's answer. The sequence number is in the
 * journal before it is used. `ret` may be NULL. Errors: what the fetcher says, ERR_DENIED and the
 * like when the server refuses, ERR_PROTOCOL when it answers another question.
 */
int check_in(struct agent *agent, struct check_in_answer *ret, struct error *err);
/* True while the history holds something that the server was not told. */
bool check_in_is_due(const struct agent *agent);
