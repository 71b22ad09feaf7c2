/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A source file and a patch of it (see fuzz_split()): what applies gives a text, twice the same. */
#include "fuzz.h"

#include <sys/stat.h>

#include "base/file.h"
#include "build/source/source.h"

static const char tree[] = "fuzz-source.tree";

/* Comparing starts anew for each: the set keeps what patches did. */
static bool apply(const struct patch_file *patch, struct buf *out)
{
	_cleanup_source_set_ struct source_set *set = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };

	if (source_set_new(tree, &set) < 0 ||
	    source_set_apply(set, patch, "fuzz", &reasons, NULL) < 0)
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (source_file_text(set->files[i], out) < 0)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_patch_file_ struct patch_file *patch = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	_cleanup_buf_ struct buf first = BUF_INIT((size_t)16 << 20),
				 second = BUF_INIT((size_t)16 << 20);
	struct fuzz_pair pair;

	if (!fuzz_split(data, len, &pair) ||
	    patch_file_parse((const char *)pair.b, pair.b_len, "fuzz", &reasons, &patch, NULL) < 0)
		return 0;
	mkdir(tree, 0700);
	if (file_write_atomic("fuzz-source.tree/x.c", pair.a, pair.a_len, 0600, NULL) < 0)
		abort();
	if (!apply(patch, &first))
		return 0;
	if (!apply(patch, &second) || first.len != second.len ||
	    (first.len > 0 && memcmp(first.data, second.data, first.len) != 0))
		abort();
	return 0;
}
