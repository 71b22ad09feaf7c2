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
