/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a text may include: each name once, as it stands in the text or as tracing makes it. */
#include "build/unit/include_scan.h"

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_name_list_ struct name_list names = { 0 };

	if (include_scan((const char *)data, len, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.items[i];

		if ((name[0] != '"' && name[0] != '<') || !name[1] || strchr(name, '\n'))
			abort();
		for (size_t k = 0; k < i; k++)
			if (streq(name, names.items[k]))
				abort();
	}
	return 0;
}
