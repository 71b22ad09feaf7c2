/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's configuration, read for what signatures it can check. */
#include "module/signature_support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature_support support;

	if (signature_support_parse(data, size, &support, NULL) < 0)
		return 0;
	for (int algorithm = SIGNATURE_RSA; algorithm <= SIGNATURE_ECDSA_P384; algorithm++)
		for (int hash = SIGNATURE_SHA256; hash <= SIGNATURE_SHA512; hash++)
			(void)!signature_support_check(&support,
						       (enum signature_algorithm)algorithm,
						       (enum signature_hash)hash, NULL);
	return 0;
}
