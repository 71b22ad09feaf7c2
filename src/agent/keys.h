/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which key of the running kernel will accept a module, or why none will, said before the kernel is
 * asked.
 */
#pragma once

#include "agent/patch.h"
#include "kernel/keyring.h"

/*
 * Would the kernel's signature check pass? `key_id` is the subject key identifier of the
 * certificate that it was verified with (may be ""). 0 when a key accepts it, when the kernel has
 * none and demands no signatures, and when that cannot be told (the log says so): then the kernel
 * decides. ERR_UNTRUSTED, with the reason and what to do, only when it is known that the kernel
 * will refuse; what .blacklist forbids it refuses in any case.
 */
int keys_check_module(const struct agent *agent, const struct patch *patch, const char *key_id,
		      struct error *err);
/* The same, with keyrings that were read already. */
int keys_judge_module(const struct kernel_keys *keys, const struct kernel_facts *facts,
		      const struct patch *patch, const char *key_id, struct error *err);

/*
 * Looks which of the bundle's module certificates the kernel has a key for, for the status
 * (agent->module_keys). What cannot be told is null there.
 */
void keys_refresh(struct agent *agent);
/* One of its entries (docs/formats.md, "Status"), for a certificate in PEM. `keys` NULL: not
 * known. */
json_t *keys_describe_certificate(const struct kernel_keys *keys, const char *pem);
