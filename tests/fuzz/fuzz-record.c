/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_record_ struct record *record = NULL;

	if (record_parse(data, size, &record, NULL) == 0) {
		_cleanup_buf_ struct buf out = BUF_INIT(RECORD_MAX);

		/* What was read can be written, unless pretty printing takes it over the bound. */
		if (record_write(record, &out, NULL) != 0 && size < 100000)
			abort();
	}
	return 0;
}
