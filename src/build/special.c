/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/special.h"

#include <inttypes.h>

#define SIZE_FIELD(name) (1 + offsetof(struct special_sizes, name) / sizeof(uint32_t))

/*
 * Every entry begins with the address of the code it belongs to. arch/x86/include/asm:
 * alternative.h, bug.h, extable.h, jump_label.h, paravirt.h (6.1), linkage and annotations for
 * objtool in include/linux/objtool.h.
 */
static const struct special_def special_defs[] = {
	{ ".altinstructions", 2, SIZE_FIELD(alt_instr), true, true, 0, 0 },
	{ "__bug_table", 2, SIZE_FIELD(bug_entry), true, true, 8, 2 },
	{ "__ex_table", 2, SIZE_FIELD(exception_table_entry), true, true, 0, 0 },
	{ "__jump_table", 3, SIZE_FIELD(jump_entry), true, true, 0, 0 },
	{ ".parainstructions", 1, SIZE_FIELD(paravirt_patch_site), true, true, 0, 0 },
	{ ".smp_locks", 1, 0, true, true, 0, 0 },
	{ "__mcount_loc", 1, 0, true, true, 0, 0 },
	/* where the padding before a function begins; modules are traced by __mcount_loc */
	{ "__patchable_function_entries", 1, 0, false, false, 0, 0 },
	/* an unused pointer that keeps a symbol alive */
	{ ".discard.addressable", 1, 0, false, false, 0, 0 },
	/* hints for objtool, which runs on the linked module */
	{ ".discard.*", 1, 0, false, true, 0, 0 },
};

const struct special_def *special_find(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_defs); i++) {
		const char *name = special_defs[i].name;
		size_t len = strlen(name);

		if (name[len - 1] == '*' ? strncmp(section, name, len - 1) == 0
					 : streq(section, name))
			return &special_defs[i];
	}
	return NULL;
}

static uint32_t known_size(const struct special_def *def, const struct special_sizes *sizes)
{
	uint32_t all[sizeof(*sizes) / sizeof(uint32_t)];

	if (def->size_field == 0)
		return 0;
	memcpy(all, sizes, sizeof(all));
	return all[def->size_field - 1];
}

int special_entry_size(const struct special_def *def, const struct special_sizes *sizes,
		       const struct elf_section *section, uint32_t *ret, struct error *err)
{
	size_t relocations = section->rela ? section->rela->rela_count : 0;
	uint64_t size = known_size(def, sizes);

	if (section->size == 0) {
		*ret = 1;
		return 0;
	}
	if (size == 0 && relocations >= def->relocations)
		size = section->size / (relocations / def->relocations);
	if (size == 0 || size > UINT16_MAX || section->size % size || !section->data)
		return error_set(err, ERR_INVALID,
				 "section %s of %" PRIu64 " bytes is not made of whole entries",
				 section->name, section->size);
	*ret = (uint32_t)size;
	return 0;
}
