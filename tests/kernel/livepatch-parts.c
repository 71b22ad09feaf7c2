/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * livepatch-parts MODULE.ko DIR: writes DIR/FUNCTION.ko for each function that the module replaces,
 * a module that replaces that one only, and prints their names.
 */
#include <stdio.h>

#include "base/file.h"
#include "lab/bisect/livepatch_subset.h"

#define SIZE_MAX_OF_MODULE (64 * 1024 * 1024)

/* *ret_count: how many functions there are. */
static int write_part(const struct buf *file, const char *folder, size_t nth, size_t *ret_count,
		      struct error *err)
{
	_cleanup_livepatch_subset_ struct livepatch_subset patch = { 0 };
	_cleanup_buf_ struct buf part = BUF_INIT(SIZE_MAX_OF_MODULE);
	char path[4096];
	int r = livepatch_subset_read(file->data, file->len, &patch, err);

	if (r < 0 || nth >= patch.tables.function_count)
		return r;
	const char *name = patch.tables.functions[nth].name;
	_cleanup_free_ bool *keep = calloc(patch.tables.function_count, sizeof(bool));

	*ret_count = patch.tables.function_count;
	if (!keep)
		return error_set(err, ERR_NO_MEMORY, "%s", name);
	keep[nth] = true;
	snprintf(path, sizeof(path), "%s/%s.ko", folder, name);
	r = livepatch_subset_write(&patch, keep, &part, err);
	if (r == 0)
		r = file_write_atomic(path, part.data, part.len, 0644, err);
	if (r == 0)
		puts(name);
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf file = BUF_INIT(SIZE_MAX_OF_MODULE);
	struct error err = { 0 };
	size_t count = 1;

	if (argc != 3)
		return 2;
	int r = file_read(argv[1], &file, &err);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = write_part(&file, argv[2], i, &count, &err);
	if (r < 0)
		fprintf(stderr, "livepatch-parts: %s\n", err.message);
	return r < 0;
}
