/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[KERNEL_BUILD_ID_MAX + 1];

	if (kernel_notes_build_id(data, size, id) == 0 && strlen(id) < 8)
		abort();
	return 0;
}
