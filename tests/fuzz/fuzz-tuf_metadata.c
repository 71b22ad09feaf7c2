/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TUF metadata of every type: form, signatures and keys, patterns; what is accepted is written and
 * read again. */
#include "base/json.h"
#include "tuf/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct tuf_metadata *md)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 22);
	const json_t *roles = json_object_get(json_object_get(md->body, "delegations"), "roles");
	struct tuf_metadata *copy = NULL;

	if (md->type == TUF_ROOT)
		(void)!tuf_root_verify(md, md, "x", true, NULL);
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const json_t *role = json_array_get(roles, i);

		(void)tuf_delegation_matches(role, "stable/a/b/c.ko");
		(void)!tuf_metadata_verify(md, "x", tuf_targets_keys(md), role, false, NULL);
	}
	if (tuf_metadata_write(md, &out, NULL) == 0 &&
	    tuf_metadata_parse(md->type, "x", out.data, out.len, &copy, NULL) < 0)
		abort();
	tuf_metadata_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 65536)
		return 0;
	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++) {
		_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;

		if (tuf_metadata_parse(type, "x", data, size, &md, NULL) == 0)
			use(md);
	}
	return 0;
}
