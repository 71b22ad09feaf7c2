/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_inspect_ struct inspect *in = NULL;

	if (inspect_module(data, len, "a.ko", &in, NULL) == 0 && !in->modinfo)
		abort();
	return 0;
}
