/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.json: its form, and the lengths and hashes that it lists. */
#include "fuzz_tuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_tuf_meta(TUF_SNAPSHOT, "targets.json", data, size);
}
