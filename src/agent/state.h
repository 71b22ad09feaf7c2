/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only ways between the states of a machine (docs/formats.md, "state"; wire/machine.h). */
#pragma once

#include "base/error.h"
#include "wire/machine.h"

/*
 * May the machine go from one state to the other? A state may always be kept. Loading always goes
 * through verifying, and every change of the kernel through applying.
 */
bool state_may_follow(enum machine_state from, enum machine_state to);
/* True while a job is on its way: none of these is a state to rest in. */
bool state_is_busy(enum machine_state state);
