/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signed modules: the trailer, the CMS blob with and without a chain, and what a kernel would look
 * for. All seeds sign the same module: whatever is accepted must be that one, to the byte.
 */
#include "../unit/test-cert.h"
#include "module/key_lookup.h"
#include "module/signature.h"
#include "signature_certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char module_text[] = "\x7f"
				  "ELF, and the rest of a module";

static void check_lookups(const struct signature_parts *parts)
{
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };

	if (key_lookup_signature(parts, &lookups, NULL) < 0)
		return;
	if (lookups.n == 0 || lookups.n > KEY_LOOKUPS_MAX)
		abort();
	for (size_t i = 0; i < lookups.n; i++)
		if (!lookups.items[i].id[0] || strlen(lookups.items[i].id) > 4000)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *unrelated = test_cert;
	const char *const certs[] = { fuzz_rsa, fuzz_root, fuzz_leaf };
	struct signature_parts parts;

	if (signature_split(data, size, &parts, NULL) < 0)
		return 0;
	if (parts.module_len > size || (parts.signature && parts.signature_len == 0))
		abort();
	if (signature_verify(data, size, &unrelated, 1, SIGNATURE_ANY_TIME, NULL, NULL) == 0)
		abort();
	if (signature_verify(data, size, certs, ARRAY_SIZE(certs), SIGNATURE_ANY_TIME, NULL,
			     NULL) == 0 &&
	    (parts.module_len != sizeof(module_text) - 1 ||
	     memcmp(parts.module, module_text, parts.module_len) != 0))
		abort();
	if (parts.signature)
		check_lookups(&parts);
	return 0;
}
