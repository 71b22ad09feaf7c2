/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include "build/symbol_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_symbol_list_ struct symbol_list *list = NULL;
	char path[64];
	int fd = fuzz_file(data, len, path);

	if (symbol_list_load(path, "vmlinux", &list, NULL) == 0)
		(void)symbol_list_count(list, "printk");
	close(fd);
	return 0;
}
