/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_patch_file_ struct patch_file *patch = NULL;
	_cleanup_name_list_ struct name_list reasons = { 0 };

	if (patch_file_parse((const char *)data, size, "fuzz", &reasons, &patch, NULL) == 0)
		for (size_t i = 0; i < patch->entry_count; i++)
			if (patch_path_refusal(patch->entries[i].path) ||
			    strstr(patch->entries[i].path, "..") == patch->entries[i].path)
				abort();
	return 0;
}
