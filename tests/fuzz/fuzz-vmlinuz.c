/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/vmlinuz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	char id[BUILD_ID_HEX_MAX + 1];

	(void)!vmlinuz_unpack(data, size, &out, NULL);
	(void)!vmlinuz_build_id(data, size, id, NULL);
	return 0;
}
