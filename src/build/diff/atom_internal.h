/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of atom_set_open(), in their order. For atom*.c only. */
#pragma once

#include "build/diff/atom.h"

/* Adds an atom at the end of a section's list; the caller keeps the order. `ret` may be NULL. */
int atom_add(struct atom_set *unit, struct atom_section *section, enum atom_kind kind,
	     uint64_t start, uint64_t end, struct atom **ret);

/* Turns relocations into references; those in code still point 4 bytes behind their field. */
int atom_read_refs(struct atom_set *unit, struct error *err);
/* Gives functions that share a section the padding before them. */
void atom_stretch_padding(struct atom_set *unit);
/* Decodes all code: where pc-relative fields really point, and branches without a relocation. */
int atom_decode(struct atom_set *unit);
/* Turns numbered variables whose copies are as good as themselves into contents; needs targets. */
void atom_find_copies(struct atom_set *unit);
/* Strings, unnamed constants, snippets and table entries become atoms. */
int atom_find_unnamed(struct atom_set *unit);
/* Gives each entry of a special section to its function. Errors: ERR_INVALID, ERR_NO_MEMORY. */
int atom_read_entries(struct atom_set *unit, const struct special_sizes *sizes, struct error *err);
