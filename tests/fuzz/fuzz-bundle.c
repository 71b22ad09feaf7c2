/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trust bundle: what is accepted can be written, and is accepted again. */
#include "wire/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_bundle_ struct bundle *bundle = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(2 * BUNDLE_MAX);

	/* Written with line breaks it may be a little larger than it was. */
	if (size > BUNDLE_MAX / 2 || bundle_parse(data, size, &bundle, NULL) < 0)
		return 0;
	if (bundle_write(bundle, &out, NULL) < 0)
		abort();
	return 0;
}
