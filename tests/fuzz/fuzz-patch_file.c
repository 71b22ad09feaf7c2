/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/source/patch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_patch_file_ struct patch_file *patch = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };

	if (patch_file_parse((const char *)data, size, "fuzz", &reasons, &patch, NULL) == 0)
		for (size_t i = 0; i < patch->entry_count; i++)
			if (patch_path_refusal(patch->entries[i].path, NULL) ||
			    strstr(patch->entries[i].path, "..") == patch->entries[i].path)
				abort();
	return 0;
}
