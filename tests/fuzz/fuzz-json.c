/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_json_ json_t *value = NULL, *again = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(16 * len + 64);

	if (json_parse(data, len, &value, NULL) < 0)
		return 0;
	/* What is read can be written and read again. Fractions are written with 12 digits. */
	if (json_append(value, &text) < 0 || json_parse(text.data, text.len, &again, NULL) < 0 ||
	    (!memchr(data, '.', len) && !memchr(data, 'e', len) && !memchr(data, 'E', len) &&
	     !json_equal(value, again)))
		abort();
	return 0;
}
