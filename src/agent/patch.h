/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A patch on its way into the kernel: the module in a sealed memory file and its build record, with
 * every check that must pass before the kernel sees it.
 */
#pragma once

#include "agent/agent.h"
#include "wire/record.h"

#define PATCH_MODULE_MAX ((size_t)64 * 1024 * 1024)

/* What was signed about a patch, from the tier's role or, at boot, from the journal. */
struct patch_claim {
	struct patch_version version;
	char module[MODULE_NAME_BYTES];
	char sha256[SHA256_HEX_LEN + 1]; /* of the signed module */
	int64_t length;
	int64_t published;
};

struct patch {
	struct patch_claim claim;
	int fd;              /* sealed memory file */
	const uint8_t *data; /* the sealed bytes, mapped for reading */
	size_t len;
	uint8_t *record_bytes;
	size_t record_len;
	struct record *record;
};

/*
 * Copies the module into a sealed memory file, and from there on looks at the sealed bytes only:
 * length and hash are the claim's, or ERR_HASH. Parses the record. Takes nothing over. The caller
 * frees with patch_free().
 */
int patch_new(const struct patch_claim *claim, const struct buf *module, const struct buf *record,
	      struct patch **ret, struct error *err);
void patch_free(struct patch *patch);
DEFINE_CLEANUP(struct patch *, patch_free);

/*
 * Everything that does not change anything: the module's signature by one of the bundle's
 * certificates that was valid when the patch was published, and by a key that this kernel has if it
 * demands one (keys_check_module()); module and record belong together and to this kernel build
 * (name, vermagic, livepatch, build ID, hash before the signature); the build IDs of loaded modules
 * that it patches; and that nobody else redirects a function of it (kernel_tracers_permit()).
 * ERR_SIGNATURE, ERR_UNTRUSTED, ERR_EXPIRED, ERR_WRONG_KERNEL, ERR_INVALID, ERR_HASH; ERR_BAD_STATE
 * for the last, which may pass.
 */
int patch_verify(const struct agent *agent, const struct patch *patch, struct error *err);

/*
 * Compares the functions to be replaced with the running code. Sets agent->code_check.
 * ERR_WRONG_KERNEL when one differs; code that the kernel hides is no error.
 */
int patch_check_code(struct agent *agent, const struct patch *patch, struct error *err);

/* Puts module and record into the modules folder, named by the module's hash. */
int patch_store(const struct agent *agent, const struct patch *patch, struct error *err);
/* Reads them back for the accepted patch, or for an open step, with the same checks of bytes. */
int patch_load_stored(const struct agent *agent, const struct patch_claim *claim,
		      struct patch **ret, struct error *err);
/* Removes every stored file but those of the accepted patch and the open step. */
void patch_collect_garbage(const struct agent *agent);
