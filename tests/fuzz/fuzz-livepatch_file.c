/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/trial/livepatch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_paths_ struct path_list list = { 0 };

	livepatch_file_objects(data, len, &list, NULL);
	return 0;
}
