/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places that change, marked in a map of just the section's size. */
#include "fuzz.h"

#include "build/proof/sites.h"
#include "elf_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *o = NULL;
	_cleanup_sites_ struct sites sites = { 0 };

	if (elf_object_parse(data, len, "a.o", &o, NULL) < 0 || sites_collect(o, &sites, NULL) < 0)
		return 0;
	for (size_t i = 0; i < o->section_count; i++) {
		const struct elf_section *s = o->sections[i];
		_cleanup_free_ uint8_t *map = s->data ? calloc(1, s->size) : NULL;

		if (map)
			sites_mark(&sites, s, 0, s->size, len % 2, map);
	}
	return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed);
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed)
{
	size_t n = seed % 2 ? elf_mutate(data, len, max, seed / 2) : 0;

	if (n > 0)
		return n;
	return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, len, max) : len;
}
