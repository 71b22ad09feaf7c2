/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every undefined symbol of a module becomes a livepatch symbol; the result can be read and shown.
 */
#include "fuzz.h"

#include "build/object/convert.h"
#include "build/patch/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *o = NULL, *again = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT((size_t)64 << 20);
	_cleanup_inspect_ struct inspect *shown = NULL;
	_cleanup_free_ struct convert_symbol *symbols = NULL;
	size_t n = 0;

	if (elf_object_parse(data, len, "a.ko", &o, NULL) < 0)
		return 0;
	symbols = calloc(o->symbol_count + 1, sizeof(*symbols));
	for (size_t i = 0; symbols && i < o->symbol_count; i++)
		if (o->symbols[i]->shndx == SHN_UNDEF && !o->symbols[i]->section) {
			symbols[n++] = (struct convert_symbol){ o->symbols[i]->name, "vmlinux",
								o->symbols[i]->name, 1 };
		}
	if (!symbols || convert_module(data, len, symbols, n, NULL, &out, NULL) < 0)
		return 0;
	if (elf_object_parse(out.data, out.len, "out.ko", &again, NULL) < 0)
		abort();
	(void)!inspect_module(out.data, out.len, "out.ko", &shown, NULL);
	return 0;
}
