/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's special sections: tables whose entries belong to places in code (alternatives, bugs,
 * exception fix-ups, jump labels, …). An entry goes where its function goes.
 */
#pragma once

#include "elf/object.h"

/*
 * Sizes in bytes of the kernel's structures, as BTF tells them (special_sizes.h), and the places of
 * two members. 0: not known; sizes then follow from the relocations of the section itself, of which
 * every entry has the same number.
 */
struct special_sizes {
	uint32_t alt_instr;             /* 13 on 5.10, 12 on 6.1, 14 on 6.12 */
	uint32_t alt_replacementlen;    /* place of that member of struct alt_instr */
	uint32_t bug_entry;             /* 12 */
	uint32_t bug_line;              /* place of the line number in it */
	uint32_t exception_table_entry; /* 12 */
	uint32_t jump_entry;            /* 16 */
	uint32_t paravirt_patch_site;   /* 16 on 6.1; gone from 6.12 */
	uint32_t static_call_site;      /* 8 */
	uint32_t orc_entry;             /* 6 */
};

/* What an entry's first reference leads to. */
enum special_place {
	PLACE_ANY,      /* nothing that could be checked */
	PLACE_CODE,     /* some instruction */
	PLACE_FUNCTION, /* the beginning of a function */
	PLACE_LOCK,     /* an instruction with a LOCK prefix */
	PLACE_TRAP,     /* a trapping instruction: ud2, ud1, or int3 */
	PLACE_NOP_JUMP, /* a jump, or a no-op of the same length */
	PLACE_CALL,     /* a direct call or jump */
	PLACE_RETURN,   /* a jump to the return thunk, or a return */
	PLACE_THUNK,    /* a branch to an indirect thunk */
	PLACE_FENTRY,   /* the call of __fentry__ */
	PLACE_ENDBR,    /* endbr64 */
};

struct special_def {
	const char *name;    /* of the section; ends in '*' for a prefix */
	uint8_t relocations; /* in each entry */
	uint8_t size_field;  /* 1 + index into struct special_sizes, or 0 */
	uint8_t size;        /* in bytes, where it is no structure of the kernel; or 0 */
	bool compared;       /* a difference is a change of the function */
	bool carried;        /* goes into the extracted object with its function */
	bool by_objtool;     /* made by objtool from the code */
	bool read_at_load;   /* the kernel changes code by it while it loads the module */
	bool ends;           /* an entry may name the end of a section's code */
	const char *follows; /* has no references: entry N goes with entry N of that section ... */
	bool whole;          /* ... or all of it goes with any entry there */
	enum special_place place;
};

/* What is known of a section by that name, or NULL when it is none of these. */
const struct special_def *special_find(const char *section);
/* All of them: the `i`th, or NULL behind the last. */
const struct special_def *special_at(size_t i);

/*
 * Size in bytes of an entry of `section`: from `sizes`, else from the number of relocations.
 * ERR_INVALID when the section does not consist of whole entries, or when sizes and relocations
 * contradict each other: then these sizes are not those of the object. An empty section gives 1, a
 * table that follows another one 0 if its size is not known.
 */
int special_entry_size(const struct special_def *def, const struct special_sizes *sizes,
		       const struct elf_section *section, uint32_t *ret, struct error *err);

/* Bytes of an entry that may differ in code that is the same (a bug's line number): their place and
 * number, 0 for none. `entry_size`: in bytes. */
uint32_t special_loose(const struct special_def *def, const struct special_sizes *sizes,
		       uint32_t entry_size, uint32_t *ret_place);

/* The place of the replacement's length in an alternative's entry of that size in bytes, or -1 for
 * any other table. */
int special_replacement_length(const struct special_def *def, const struct special_sizes *sizes,
			       uint32_t entry_size);
