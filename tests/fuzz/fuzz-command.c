/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_name_list_ struct name_list words = { 0 };
	_cleanup_free_ char *text = strndup((const char *)data, size);

	if (text && command_parse(text, &words, NULL) == 0 && words.n == 0)
		abort();
	return 0;
}
