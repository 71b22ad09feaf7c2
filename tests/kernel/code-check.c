/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * code-check RECORD.json: compares every function of a code record with the running
 * kernel, as a machine does before it loads a patch. Prints each one that differs, and last how
 * many were compared. Exit status: 0 all are equal, 1 some differ or cannot be read.
 */
#include <stdio.h>

#include "base/file.h"
#include "kernel/code.h"
#include "wire/record.h"

#define FUNCTIONS_MAX 16384

static const struct kernel_mask *copy_mask(const struct record_function *f)
{
	struct kernel_mask *mask = calloc(f->n_mask + 1, sizeof(*mask));

	for (size_t i = 0; mask && i < f->n_mask; i++)
		mask[i] = (struct kernel_mask){ f->mask[i].offset, f->mask[i].length };
	return mask;
}

static size_t collect(const struct record *record, struct kernel_function *out)
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t j = 0; j < record->objects[i].n_functions && n < FUNCTIONS_MAX; j++) {
			const struct record_function *f = &record->objects[i].functions[j];

			out[n] = (struct kernel_function){ .object = record->objects[i].name,
							   .name = f->name,
							   .sympos = f->sympos,
							   .size = f->size,
							   .mask = copy_mask(f),
							   .n_mask = f->n_mask };
			if (out[n].mask && hex_decode(f->sha256, SHA256_LEN, out[n].sha256) == 0)
				n++;
		}
	return n;
}

/* Halves what holds a difference until each one is found. Returns how many there are. */
static size_t find(const struct kernel_function *functions, size_t n, size_t *compared)
{
	enum kernel_code_verdict verdict = KERNEL_CODE_UNREADABLE;
	struct error err = { 0 };
	size_t count = 0;
	int r = kernel_code_check("", functions, n, &verdict, &count, &err);

	if (r == 0 && (verdict == KERNEL_CODE_EQUAL || verdict == KERNEL_CODE_NONE)) {
		*compared += count;
		return 0;
	}
	if (n > 1 && r == 0 && verdict == KERNEL_CODE_DIFFERENT)
		return find(functions, n / 2, compared) +
		       find(functions + n / 2, n - n / 2, compared);
	printf("%s: %s: %s\n", functions->name, kernel_code_verdict_name(verdict), err.message);
	return 1;
}

int main(int argc, char **argv)
{
	static struct kernel_function functions[FUNCTIONS_MAX];
	_cleanup_buf_ struct buf text = BUF_INIT(RECORD_MAX);
	_cleanup_record_ struct record *record = NULL;
	struct error err = { 0 };
	size_t compared = 0, different, n;

	if (argc != 2)
		return 2;
	if (file_read(argv[1], &text, &err) < 0 ||
	    record_parse_code(text.data, text.len, &record, &err) < 0) {
		fprintf(stderr, "code-check: %s\n", err.message);
		return 1;
	}
	n = collect(record, functions);
	different = find(functions, n, &compared);
	for (size_t i = 0; i < n; i++)
		free((void *)functions[i].mask);
	printf("%zu functions: %zu equal, %zu different\n", n, compared, different);
	return different == 0 && compared > 0 ? 0 : 1;
}
