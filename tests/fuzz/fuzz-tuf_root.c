/* SPDX-License-Identifier: GPL-2.0-or-later */
/* root.json: its form, its keys, and every role's threshold over its own signatures. */
#include "fuzz_tuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = fuzz_tuf_parse(TUF_ROOT, data, size);

	if (!md)
		return 0;
	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++) {
		const json_t *role = tuf_root_role(md, type);
		const json_t *keys = json_object_get(md->body, "keys");

		/* Whatever counts with key IDs that are right counts with any. */
		if (!role || (tuf_metadata_verify(md, "x", keys, role, false, NULL) == 0 &&
			      tuf_metadata_verify(md, "x", keys, role, true, NULL) < 0))
			abort();
	}
	(void)tuf_root_consistent(md);
	return 0;
}
