/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two objects (see fuzz_split()) are compared; an accepted difference can be extracted, what was
 * extracted is an object that can be read, and all that it needs can become livepatch symbols.
 */
#include "fuzz.h"

#include "build/object/convert.h"
#include "build/diff/extract.h"
#include "elf_mutate.h"

static void convert(const struct extract *x)
{
	_cleanup_free_ struct convert_symbol *symbols =
		calloc(x->symbol_count + 1, sizeof(*symbols));
	_cleanup_buf_ struct buf module = BUF_INIT((size_t)64 << 20);
	_cleanup_elf_object_ struct elf_object *again = NULL;

	for (size_t i = 0; symbols && i < x->symbol_count; i++)
		symbols[i] =
			(struct convert_symbol){ x->symbols[i].symbol, i % 2 ? "vmlinux" : "module",
						 x->symbols[i].name, (unsigned)i % 3 };
	if (symbols &&
	    convert_module(x->object.data, x->object.len, symbols, x->symbol_count, NULL, &module,
			   NULL) == 0 &&
	    elf_object_parse(module.data, module.len, "module.ko", &again, NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *a = NULL, *b = NULL, *again = NULL;
	_cleanup_diff_ struct diff *diff = NULL;
	_cleanup_extract_ struct extract *x = NULL;
	struct diff_options options = { .name = "a.o", .unit = "a" };
	struct fuzz_pair pair;

	if (!fuzz_split(data, len, &pair) ||
	    elf_object_parse(pair.a, pair.a_len, "a.o", &a, NULL) < 0 ||
	    elf_object_parse(pair.b, pair.b_len, "b.o", &b, NULL) < 0 ||
	    diff_objects(a, b, &options, &diff, NULL) < 0)
		return 0;
	if (diff_result(diff)->verdict != DIFF_ACCEPTED || extract_object(diff, &x, NULL) < 0)
		return 0;
	if (elf_object_parse(x->object.data, x->object.len, "extracted.o", &again, NULL) < 0)
		abort();
	convert(x);
	return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed);
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);

/* Half of the time changes one of the objects as an object, else any bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed)
{
	struct fuzz_pair pair;

	if (seed % 2 == 0 && fuzz_split(data, len, &pair) && max > len) {
		size_t n = elf_mutate(data + 4 + pair.a_len, pair.b_len, max - 4 - pair.a_len,
				      seed / 2);

		if (n > 0)
			return 4 + pair.a_len + n;
	}
	return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, len, max) : len;
}
