/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include "build/object/symbol_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_symbol_list_ struct symbol_list *list = symbol_list_new();
	char path[64];
	int fd = fuzz_file(data, len, path);

	if (list && symbol_list_want(list, "printk") == 0 &&
	    symbol_list_read(list, path, "vmlinux", NULL) == 0)
		(void)symbol_list_count(list, "printk");
	close(fd);
	return 0;
}
