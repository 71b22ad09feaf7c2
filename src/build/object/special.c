/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/special.h"

#include <inttypes.h>

#define SIZE_OF(member)        (1 + offsetof(struct special_sizes, member) / sizeof(uint32_t))

#define ALT_INSTR_WITH_PADDING 13 /* struct alt_instr of 5.10: a third length at its end */
#define BUG_LINE               8  /* behind two addresses of 4 bytes */
#define BUG_LINE_SIZE          2

/*
 * Every entry begins with the address of the code it belongs to. arch/x86/include/asm:
 * alternative.h, bug.h, asm.h, jump_label.h, paravirt_types.h (6.1), nospec-branch.h, ibt.h,
 * orc_types.h; include/linux: static_call_types.h, objtool.h, kprobes.h.
 */
static const struct special_def special_defs[] = {
	/* made by the compiler and the assembler */
	{ .name = ".altinstructions",
	  .relocations = 2,
	  .size_field = SIZE_OF(alt_instr),
	  .compared = true,
	  .carried = true,
	  .read_at_load = true,
	  .place = PLACE_CODE },
	{ .name = ".parainstructions",
	  .relocations = 1,
	  .size_field = SIZE_OF(paravirt_patch_site),
	  .compared = true,
	  .carried = true,
	  .read_at_load = true,
	  .place = PLACE_CODE },
	{ .name = "__bug_table",
	  .relocations = 2,
	  .size_field = SIZE_OF(bug_entry),
	  .compared = true,
	  .carried = true,
	  .place = PLACE_TRAP },
	{ .name = "__ex_table",
	  .relocations = 2,
	  .size_field = SIZE_OF(exception_table_entry),
	  .compared = true,
	  .carried = true,
	  .place = PLACE_CODE },
	{ .name = "__jump_table",
	  .relocations = 3,
	  .size_field = SIZE_OF(jump_entry),
	  .compared = true,
	  .carried = true,
	  .read_at_load = true,
	  .place = PLACE_NOP_JUMP },
	{ .name = ".smp_locks",
	  .relocations = 1,
	  .size = 4,
	  .compared = true,
	  .carried = true,
	  .read_at_load = true,
	  .place = PLACE_LOCK },
	{ .name = "__mcount_loc",
	  .relocations = 1,
	  .size = 8,
	  .compared = true,
	  .carried = true,
	  .read_at_load = true,
	  .place = PLACE_FENTRY },
	/* where the padding before a function begins; modules are traced by __mcount_loc */
	{ .name = "__patchable_function_entries", .relocations = 1, .size = 8 },
	/* the functions of a module that must not be probed either */
	{ .name = "_kprobe_blacklist",
	  .relocations = 1,
	  .size = 8,
	  .carried = true,
	  .place = PLACE_FUNCTION },

	/* made by objtool from the code; not there in what suture-build compiles itself, where
	 * objtool runs on the linked module */
	{ .name = ".static_call_sites",
	  .relocations = 2,
	  .size_field = SIZE_OF(static_call_site),
	  .carried = true,
	  .by_objtool = true,
	  .read_at_load = true,
	  .place = PLACE_CALL },
	{ .name = ".call_sites",
	  .relocations = 1,
	  .size = 4,
	  .carried = true,
	  .by_objtool = true,
	  .read_at_load = true,
	  .place = PLACE_CALL },
	{ .name = ".retpoline_sites",
	  .relocations = 1,
	  .size = 4,
	  .carried = true,
	  .by_objtool = true,
	  .read_at_load = true,
	  .place = PLACE_THUNK },
	{ .name = ".return_sites",
	  .relocations = 1,
	  .size = 4,
	  .carried = true,
	  .by_objtool = true,
	  .read_at_load = true,
	  .place = PLACE_RETURN },
	{ .name = ".ibt_endbr_seal",
	  .relocations = 1,
	  .size = 4,
	  .carried = true,
	  .by_objtool = true,
	  .read_at_load = true,
	  .place = PLACE_ENDBR },
	{ .name = ".cfi_sites",
	  .relocations = 1,
	  .size = 4,
	  .carried = true,
	  .by_objtool = true,
	  .read_at_load = true,
	  .place = PLACE_FUNCTION },
	{ .name = ".orc_unwind_ip",
	  .relocations = 1,
	  .size = 4,
	  .carried = true,
	  .by_objtool = true,
	  .ends = true,
	  .place = PLACE_CODE },
	{ .name = ".orc_unwind",
	  .size_field = SIZE_OF(orc_entry),
	  .carried = true,
	  .by_objtool = true,
	  .follows = ".orc_unwind_ip" },
	/* which version of the two */
	{ .name = ".orc_header",
	  .carried = true,
	  .by_objtool = true,
	  .follows = ".orc_unwind_ip",
	  .whole = true },

	/* an unused pointer that keeps a symbol alive */
	{ .name = ".discard.addressable", .relocations = 1, .size = 8 },
	/* hints for objtool */
	{ .name = ".discard.*", .relocations = 1, .carried = true },
};

const struct special_def *special_at(size_t i)
{
	return i < ARRAY_SIZE(special_defs) ? &special_defs[i] : NULL;
}

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
		return def->size;
	memcpy(all, sizes, sizeof(all));
	return all[def->size_field - 1];
}

/* What the relocations say: every entry has the same number of them. 0: nothing. */
static uint64_t size_by_relocations(const struct special_def *def,
				    const struct elf_section *section)
{
	size_t count = section->rela ? section->rela->rela_count : 0;

	if (def->relocations == 0 || count == 0 || count % def->relocations)
		return 0;
	return section->size / (count / def->relocations);
}

int special_entry_size(const struct special_def *def, const struct special_sizes *sizes,
		       const struct elf_section *section, uint32_t *ret, struct error *err)
{
	uint64_t known = known_size(def, sizes), told = size_by_relocations(def, section);
	uint64_t size = known ? known : told;

	if (section->size == 0) {
		*ret = 1;
		return 0;
	}
	if (def->follows && (size == 0 || def->whole)) {
		*ret = 0;
		return 0;
	}
	if (size == 0 || size > UINT16_MAX || section->size % size || !section->data)
		return error_set(err, ERR_INVALID,
				 "section %s of %" PRIu64 " bytes is not made of whole entries%s",
				 section->name, section->size,
				 known ? " of the size that the kernel's types give" : "");
	if (told && told != size)
		return error_set(err, ERR_INVALID,
				 "section %s has entries of %" PRIu64
				 " bytes by its relocations, but of %" PRIu64
				 " by the kernel's types: it was compiled for another kernel",
				 section->name, told, size);
	*ret = (uint32_t)size;
	return 0;
}

uint32_t special_loose(const struct special_def *def, const struct special_sizes *sizes,
		       uint32_t entry_size, uint32_t *ret_place)
{
	uint32_t place = sizes->bug_line ? sizes->bug_line : BUG_LINE;

	/* 6 bytes have no room for it: without CONFIG_DEBUG_BUGVERBOSE */
	if (def->size_field != SIZE_OF(bug_entry) || place + BUG_LINE_SIZE > entry_size)
		return 0;
	*ret_place = place;
	return BUG_LINE_SIZE;
}

int special_replacement_length(const struct special_def *def, const struct special_sizes *sizes,
			       uint32_t entry_size)
{
	uint32_t place = sizes->alt_replacementlen;

	if (def->size_field != SIZE_OF(alt_instr))
		return -1;
	if (place == 0)
		place = entry_size - (entry_size == ALT_INSTR_WITH_PADDING ? 2 : 1);
	return place < entry_size ? (int)place : -1;
}
