/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include "build/object/symvers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_symvers_ struct symvers *s = NULL;
	char path[64];
	int fd = fuzz_file(data, len, path);

	if (symvers_load(path, &s, NULL) == 0)
		(void)symvers_find(s, "printk");
	close(fd);
	return 0;
}
