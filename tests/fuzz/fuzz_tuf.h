/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets of TUF metadata share: one type is parsed; what is accepted has canonical
 * bytes, is written, and reads back as the same. */
#pragma once

#include "base/json.h"
#include "tuf/canonical.h"
#include "tuf/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_TUF_MAX ((size_t)1 << 22)

static inline void fuzz_tuf_again(const struct tuf_metadata *md)
{
	_cleanup_buf_ struct buf out = BUF_INIT(FUZZ_TUF_MAX), first = BUF_INIT(FUZZ_TUF_MAX);
	_cleanup_buf_ struct buf second = BUF_INIT(FUZZ_TUF_MAX);
	_cleanup_tuf_metadata_ struct tuf_metadata *copy = NULL;

	if (tuf_metadata_write(md, &out, NULL) < 0)
		return;
	if (tuf_metadata_parse(md->type, "x", out.data, out.len, &copy, NULL) < 0 ||
	    copy->version != md->version || copy->expires != md->expires)
		abort();
	/* Numbers with a fraction have no canonical form; everything else keeps it. */
	if (tuf_canonical(md->body, &first, NULL) < 0)
		return;
	if (tuf_canonical(copy->body, &second, NULL) < 0 || first.len != second.len ||
	    memcmp(first.data, second.data, first.len) != 0)
		abort();
}

/* NULL when the input is refused; the caller frees. */
static inline struct tuf_metadata *fuzz_tuf_parse(enum tuf_type type, const uint8_t *data,
						  size_t size)
{
	struct tuf_metadata *md = NULL;

	if (size > 65536 || tuf_metadata_parse(type, "x", data, size, &md, NULL) < 0)
		return NULL;
	if (md->version < 1)
		abort();
	fuzz_tuf_again(md);
	return md;
}

/* Timestamp or snapshot: it lists `needed`, and versions; lengths and hashes are looked at. */
static inline int fuzz_tuf_meta(enum tuf_type type, const char *needed, const uint8_t *data,
				size_t size)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = fuzz_tuf_parse(type, data, size);
	const char *file;
	json_t *meta;

	if (!md)
		return 0;
	if (!tuf_meta_get(md, needed))
		abort();
	json_object_foreach (json_object_get(md->body, "meta"), file, meta) {
		if (tuf_meta_version(meta) < 1)
			abort();
		(void)!tuf_check_bytes(meta, file, data, size, NULL);
	}
	return 0;
}
