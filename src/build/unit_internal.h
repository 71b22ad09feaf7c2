/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of unit_open(), in their order. For unit*.c only. */
#pragma once

#include "build/unit.h"

/* Adds an atom at the end of a section's list; the caller keeps the order. `ret` may be NULL. */
int unit_add_atom(struct unit *unit, struct unit_section *section, enum atom_kind kind,
		  uint64_t start, uint64_t end, struct atom **ret);

/* Turns relocations into references; those in code still point 4 bytes behind their field. */
int unit_read_relocations(struct unit *unit, struct error *err);
/* Gives functions that share a section the padding before them. */
void unit_stretch_padding(struct unit *unit);
/* Decodes all code: where pc-relative fields really point, and branches without a relocation. */
int unit_decode(struct unit *unit);
/* Strings, unnamed constants, snippets and table entries become atoms. */
int unit_unnamed_atoms(struct unit *unit);
