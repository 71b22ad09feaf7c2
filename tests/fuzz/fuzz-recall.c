/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recall list: what is accepted can be written, and is accepted again. */
#include "wire/recall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_recall_ struct recall *list = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(2 * RECALL_MAX);

	if (size > RECALL_MAX / 8 || recall_parse(data, size, &list, NULL) < 0)
		return 0;
	(void)recall_lookup(list, "1.1", "6.1.0-56-cloud-amd64");
	if (recall_write(list, &out, NULL) < 0)
		abort();
	return 0;
}
