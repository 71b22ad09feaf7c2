/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/modinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_modinfo_ struct modinfo *info = NULL;

	if (modinfo_parse(data, size, "input", &info, NULL) == 0 && info->module_len > size)
		abort();
	return 0;
}
