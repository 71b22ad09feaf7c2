/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.json: its form, and the lengths and hashes that it lists. */
#include "fuzz_tuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = fuzz_tuf_parse(TUF_SNAPSHOT, data, size);
	const char *file;
	json_t *meta;

	if (!md)
		return 0;
	if (!tuf_meta_get(md, "targets.json"))
		abort();
	json_object_foreach (json_object_get(md->body, "meta"), file, meta) {
		if (tuf_meta_version(meta) < 1)
			abort();
		(void)!tuf_check_bytes(meta, file, data, size, NULL);
	}
	return 0;
}
