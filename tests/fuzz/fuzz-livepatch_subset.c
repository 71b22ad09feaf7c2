/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "lab/bisect/livepatch_subset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_livepatch_subset_ struct livepatch_subset patch = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(16 * 1024 * 1024);

	if (livepatch_subset_read(data, len, &patch, NULL) < 0)
		return 0;
	size_t n = patch.tables.function_count;
	_cleanup_free_ bool *keep = calloc(n + 1, sizeof(bool));

	/* Every other one, beginning as the input's last byte says. */
	for (size_t i = 0; keep && i < n; i++)
		keep[i] = (i + data[len - 1]) % 2;
	if (keep && livepatch_subset_write(&patch, keep, &out, NULL) < 0)
		return 0;
	return 0;
}
