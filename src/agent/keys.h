/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which key of the running kernel will accept a module, or why none will, said before the kernel is
 * asked.
 */
#pragma once

#include "agent/patch.h"

/*
 * Would the kernel's signature check pass? `key_id` is the signer's subject key identifier, for the
 * message (may be ""). 0 when a key accepts it, when the kernel demands no signatures, and when
 * that cannot be told (the log says so): then the kernel decides. ERR_UNTRUSTED, with the reason
 * and what to do, only when it is known that the kernel will refuse.
 */
int keys_check_module(const struct agent *agent, const struct patch *patch, const char *key_id,
		      struct error *err);

/*
 * Looks which of the bundle's module certificates the kernel has a key for, for the status
 * (agent->module_keys). What cannot be told is null there.
 */
void keys_refresh(struct agent *agent);
