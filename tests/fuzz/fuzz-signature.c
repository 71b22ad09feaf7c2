/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signed modules: the trailer, and the CMS blob against a certificate that signed none of them. */
#include "../unit/test-cert.h"
#include "module/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *cert = test_cert;
	struct signature_parts parts;

	if (signature_split(data, size, &parts, NULL) < 0)
		return 0;
	if (parts.module_len > size || (parts.signature && parts.signature_len == 0))
		abort();
	if (signature_verify(data, size, &cert, 1, 0, NULL, NULL) == 0)
		abort();
	return 0;
}
