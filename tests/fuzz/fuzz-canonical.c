/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Canonical JSON: what it writes means the same, and writing that again changes nothing. */
#include "base/json.h"
#include "tuf/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct buf *first)
{
	_cleanup_json_ json_t *value = NULL;
	_cleanup_buf_ struct buf second = BUF_INIT(1 << 20);

	/* Control characters stay bare in canonical JSON, which no parser takes. */
	for (size_t i = 0; i < first->len; i++) {
		if (first->data[i] < 0x20)
			return;
	}
	if (json_parse(first->data, first->len, &value, NULL) < 0 ||
	    tuf_canonical(value, &second, NULL) < 0 || second.len != first->len ||
	    memcmp(second.data, first->data, first->len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *value = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);

	if (size > 65536 || json_parse(data, size, &value, NULL) < 0)
		return 0;
	if (tuf_canonical(value, &out, NULL) == 0)
		again(&out);
	return 0;
}
