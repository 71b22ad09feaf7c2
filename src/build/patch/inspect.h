/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a livepatch module replaces and needs, read from its file alone: its tables (tables.h), its
 * livepatch symbols and relocation sections, and what it says of itself.
 */
#pragma once

#include "base/vec.h"
#include "module/tables.h"
#include "module/modinfo.h"

/* A symbol of the running kernel: .klp.sym.OBJECT.NAME,SYMPOS */
struct inspect_symbol {
	const char *object, *name;
	uint64_t sympos;
};

/* A relocation section: .klp.rela.OBJECT.SECTION */
struct inspect_relocations {
	const char *object, *section;
	size_t count;
};

/* A table about places in code (special.h), by the relocations that each entry has. */
struct inspect_table {
	const char *section;
	size_t entries;
	uint64_t size; /* of the section, in bytes */
};

/* Lists are in the file's order; strings belong to the inspection. */
struct inspect {
	struct inspect_table *special;
	size_t special_count;
	struct modinfo *modinfo;
	struct tables tables; /* empty if it has none */
	struct inspect_symbol *symbols;
	size_t symbol_count;
	struct inspect_relocations *relocations;
	size_t relocation_count;
	struct elf_object *elf;
};

/* Reads a module file, signed or not. Errors: those of modinfo_parse(); ERR_INVALID for livepatch
 * names that the kernel would not take. */
int inspect_module(const void *data, size_t len, const char *what, struct inspect **ret,
		   struct error *err);
void inspect_free(struct inspect *inspect);
DEFINE_CLEANUP(struct inspect *, inspect_free);
#define _cleanup_inspect_ _cleanup_(inspect_freep)
