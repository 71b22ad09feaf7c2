/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An object that is accepted can be compared with itself (nothing changed) and written again. */
#include "build/diff/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *a = NULL, *b = NULL, *again = NULL;
	_cleanup_buf_ struct buf file = BUF_INIT((size_t)64 << 20);
	_cleanup_diff_ struct diff *diff = NULL;
	struct diff_options options = { .name = "a.o" };

	if (elf_object_parse(data, len, "a.o", &a, NULL) < 0)
		return 0;
	if (elf_object_parse(data, len, "b.o", &b, NULL) < 0)
		abort();
	(void)!diff_objects(a, b, &options, &diff, NULL);
	if (elf_object_write(a, &file, NULL) == 0 &&
	    elf_object_parse(file.data, file.len, "again.o", &again, NULL) < 0)
		abort();
	return 0;
}
