/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "lab/bisect/livepatch_subset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_same(const struct tables_function *a, const struct tables_function *b)
{
	return a->table == b->table && a->sympos == b->sympos && streq(a->object, b->object) &&
	       streq(a->name, b->name) && streq(a->symbol, b->symbol);
}

/* What was written is a module that replaces just those functions, in their order. */
static void check(const struct tables *whole, const bool *keep, const struct tables *part)
{
	size_t at = 0;

	for (size_t i = 0; i < whole->function_count; i++)
		if (keep[i] && (at >= part->function_count ||
				!is_same(&whole->functions[i], &part->functions[at++])))
			abort();
	if (at != part->function_count || whole->object_count != part->object_count ||
	    whole->state_count != part->state_count || whole->replace != part->replace)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_livepatch_subset_ struct livepatch_subset whole = { 0 }, patch = { 0 },
							   part = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(16 * 1024 * 1024);

	if (livepatch_subset_read(data, len, &whole, NULL) < 0 ||
	    livepatch_subset_read(data, len, &patch, NULL) < 0)
		return 0;
	size_t n = patch.tables.function_count;
	_cleanup_free_ bool *keep = calloc(n + 1, sizeof(bool));

	/* Every other one, beginning as the input's last byte says. */
	for (size_t i = 0; keep && i < n; i++)
		keep[i] = (i + data[len - 1]) % 2;
	if (!keep || livepatch_subset_write(&patch, keep, &out, NULL) < 0)
		return 0;
	if (livepatch_subset_read(out.data, out.len, &part, NULL) < 0)
		abort();
	check(&whole.tables, keep, &part.tables);
	return 0;
}
