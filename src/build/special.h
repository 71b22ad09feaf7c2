/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's special sections: tables whose entries belong to places in functions (alternatives,
 * bugs, exception fix-ups, jump labels, …). An entry goes where its function goes.
 */
#pragma once

#include "elf/object.h"

/* Sizes in bytes of the kernel's structures, as BTF tells them. 0: taken from the relocations of
 * the section itself (every entry has the same number of them). */
struct special_sizes {
	uint32_t alt_instr;             /* 12 on 6.1, 14 on 6.12 */
	uint32_t bug_entry;             /* 12 */
	uint32_t exception_table_entry; /* 12 */
	uint32_t jump_entry;            /* 16 */
	uint32_t paravirt_patch_site;   /* 16 on 6.1; gone from 6.12 */
};

struct special_def {
	const char *name;         /* of the section; ends in '*' for a prefix */
	uint8_t relocations;      /* in each entry */
	uint8_t size_field;       /* 1 + index into struct special_sizes, or 0 */
	bool compared;            /* a difference is a change of the function */
	bool carried;             /* goes into the extracted object with its function */
	uint8_t loose, loose_len; /* bytes that may differ: a line number */
};

/* What is known of a section by that name, or NULL when it is none of these. */
const struct special_def *special_find(const char *section);

/*
 * Size in bytes of an entry of `section`: from `sizes`, else from the number of relocations.
 * ERR_INVALID when the section does not consist of whole entries. An empty section gives 1.
 */
int special_entry_size(const struct special_def *def, const struct special_sizes *sizes,
		       const struct elf_section *section, uint32_t *ret, struct error *err);
