/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[PKI_CSR_MAX + 2];

	if (len >= sizeof(text))
		return 0;
	memcpy(text, data, len);
	text[len] = 0;
	(void)!pki_check_request(text, NULL);
	return 0;
}
