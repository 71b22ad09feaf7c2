/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What make prints, and the list that is kept of it: a list made of any output can be read. */
#include "fuzz.h"

#include "build/unit/unit_list.h"

static void parse(const void *text, size_t len, bool must)
{
	_cleanup_unit_list_ struct unit_list list = { 0 };
	_cleanup_buf_ struct buf copy = BUF_INIT((size_t)16 << 20);

	if (buf_append(&copy, text, len) < 0)
		abort();
	if (unit_list_parse(&copy, &list, NULL) < 0) {
		if (must)
			abort();
		return;
	}
	for (size_t i = 0; i < list.n; i++) {
		(void)unit_entry_is_kernel(&list.entries[i]);
		if (i > 0 && strcmp(list.entries[i - 1].object, list.entries[i].object) >= 0 &&
		    must)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct buf list = BUF_INIT((size_t)16 << 20);
	_cleanup_free_ char *text = strndup((const char *)data, len);

	if (!text)
		return 0;
	parse(data, len, false);
	if (unit_list_from_make(text, "gcc-12", "/tree", &list, NULL) == 0)
		parse(list.data, list.len, true);
	return 0;
}
