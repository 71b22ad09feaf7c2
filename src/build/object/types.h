/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of an object, read by libdw from the debugging data in it (DWARF version 4 or 5, in the
 * sections .debug_info, .debug_abbrev and .debug_str, not compressed).
 *
 * A type is a Dwarf_Die; all that is returned lives until types_close().
 */
#pragma once

#include <elfutils/libdw.h>

#include "build/object/names.h"
#include "elf/object.h"

/* Types nested deeper than this are taken for damaged. */
#define TYPES_DEPTH_MAX 32

struct types {
	struct buf image; /* the sections as a file of their own, relocated */
	Elf *elf;
	Dwarf *dwarf;
	struct arena *arena;
	/* Structures and unions of the file's scope with their members ("struct s", "union u", or
	 * the typedef that is one's only name): Dwarf_Die *. */
	struct name_table *named;
	struct name_table *enumerators; /* their values, as pointers */
	/* Those of the file's scope, and static ones of functions ("FUNCTION.NAME"), but for
	 * constants: Dwarf_Die *. */
	struct name_table *variables;
	uint64_t info_size; /* of .debug_info */
};

/* ERR_NOT_FOUND (no debugging data), ERR_INVALID, ERR_NO_MEMORY. To be closed in any case. */
int types_open(const struct elf_object *object, struct types *t);
void types_close(struct types *t);

/* Everything of the file's scope; `each` ends it with what is below 0, which is returned. Else
 * ERR_INVALID. */
int types_each(struct types *t, int (*each)(void *user, Dwarf_Die *die), void *user);
/* The next one of the same level; damaged data could lead back. 0, 1 at the end, ERR_INVALID. */
int types_next(Dwarf_Die *die);

struct types_member {
	const char *name;    /* "" if it has none */
	uint64_t bit, width; /* from the beginning; the width of a bit field, else 0 */
	uint64_t size;       /* bytes; 0 for an array without a length */
	Dwarf_Die type;      /* as types_strip() leaves it; void: addr is NULL */
};

struct types_members {
	struct types_member *items;
	size_t n;
};

/* The members of a structure or union, in their order. ERR_INVALID, ERR_NO_MEMORY. */
int types_members(struct types *t, Dwarf_Die *die, struct types_members *ret);

/* The type that a type or member refers to, without typedefs and qualifiers; addr is NULL for void.
 */
Dwarf_Die types_of(Dwarf_Die *die);
/* In bytes; 0 if it has none. */
uint64_t types_size(Dwarf_Die *die);
/* An array's element that is no array, else the type itself. */
Dwarf_Die types_element(Dwarf_Die *die);
bool types_is_aggregate(Dwarf_Die *die);
/* "" if it has none. */
const char *types_name(Dwarf_Die *die);
/* As in `named`; NULL without a tag or memory. */
const char *types_key(struct types *t, Dwarf_Die *die);
