/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_kallsyms_ struct kallsyms *k = NULL;

	if (kallsyms_parse(data, size, &k, NULL) == 0)
		for (size_t i = 0; i < kallsyms_count(k); i++)
			if (kallsyms_matches(k, kallsyms_get(k, i)->name) == 0)
				abort();
	return 0;
}
