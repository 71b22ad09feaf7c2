/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finished module whose special sections may lead anywhere. */
#include "fuzz.h"

#include "build/patch/module_check.h"
#include "build/object/special_check.h"
#include "elf_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *o = NULL;

	if (elf_object_parse(data, len, "a.ko", &o, NULL) < 0)
		return 0;
	(void)!special_check(o, NULL);
	if (module_check(o, o, NULL) < 0) /* also of what it lacks itself */
		return 0;
	for (size_t i = 0; i < o->section_count; i++)
		(void)special_count(o, o->sections[i]->name);
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
