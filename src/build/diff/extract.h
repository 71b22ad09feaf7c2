/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the object that a livepatch module is linked from: the changed and new functions of a diff
 * with everything that is theirs alone (strings, constants, new data, special-section entries,
 * padding and ftrace sites). All else is an undefined symbol with ordinary relocations.
 *
 * Symbols of the result:
 *   name of a changed function	 local, so that back traces show it; calls between functions of the
 *				 unit use it
 *   suture_new.UNIT.NAME	 global, the same place: what the module's klp_func names
 *   name of a new global	 global, as it is: other patched units may use it
 *   suture_ref.UNIT.NAME	 undefined: the kernel's own NAME, file-static in this unit
 *   NAME			 undefined: the kernel's own global NAME. The address of a changed
 *				 function is always the kernel's, so that a pointer to it outlives
 *				 the patch
 */
#pragma once

#include "build/diff/diff.h"

/* An undefined symbol that the caller must resolve, sorted by `symbol`. */
struct extract_symbol {
	const char *symbol; /* its name in the extracted object */
	const char *name;   /* its name in the kernel's symbol table */
	const char *file;   /* source file of a local one (STT_FILE), else NULL */
	bool local;         /* file-static in the original */
	bool own;      /* the original object defines it: look it up in the unit's own vmlinux or
			  module; false: anywhere (exported, or global in vmlinux) */
	uint8_t type;  /* STT_FUNC, STT_OBJECT, or STT_NOTYPE when not known */
	uint64_t size; /* of an own one, in bytes; 0: not known */
	struct elf_symbol *original; /* an own one's symbol in the original object, else NULL */
};

struct extract {
	struct buf object; /* the relocatable object, ELF */
	struct extract_symbol *symbols;
	size_t symbol_count;
	struct arena *arena;
};

/*
 * Extracts an accepted diff; strings of the result are its own. Errors: ERR_BAD_STATE (not
 * accepted), ERR_NOT_PATCHABLE (naming function and cause), ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int extract_object(const struct diff *diff, struct extract **ret, struct error *err);
void extract_free(struct extract *extract);
DEFINE_CLEANUP(struct extract *, extract_free);
#define _cleanup_extract_ _cleanup_(extract_freep)
