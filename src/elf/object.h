/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF relocatable object (ELF64, little-endian, x86-64: `.o` and `.ko`) in memory: sections,
 * symbols and relocations with their links resolved to pointers, after the System V ABI, "Object
 * Files", and the AMD64 supplement.
 *
 * Reading goes through libelf and trusts nothing in the file: what does not fit is ERR_INVALID,
 * naming the section or symbol. Everything of an object, also what is added later, lives until
 * elf_object_free(). Pointers to sections and symbols are stable.
 */
#pragma once

#include <elf.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#ifndef SHF_RELA_LIVEPATCH
#define SHF_RELA_LIVEPATCH 0x00100000 /* include/uapi/linux/elf.h */
#endif
#ifndef SHN_LIVEPATCH
#define SHN_LIVEPATCH 0xff20
#endif

/* Largest object that is read, and the largest counts in it. */
#define ELF_OBJECT_SIZE_MAX     (256U << 20)
#define ELF_OBJECT_SECTIONS_MAX (1U << 20)
#define ELF_OBJECT_SYMBOLS_MAX  (1U << 22)

struct elf_section;

struct elf_symbol {
	uint32_t index; /* in the symbol table; assigned anew by elf_object_write() */
	const char *name;
	struct elf_section *section; /* where it is defined, or NULL: see shndx */
	uint16_t shndx; /* without a section: SHN_UNDEF, SHN_ABS, SHN_COMMON, SHN_LIVEPATCH or
			   another reserved value */
	uint8_t type, binding; /* STT_…, STB_… */
	uint8_t other;         /* visibility */
	uint64_t value, size;
	const char *file; /* for a local symbol: the STT_FILE symbol before it, or NULL */
	void *user;       /* for the object's user; NULL after parsing */
};

struct elf_rela {
	uint64_t offset;
	struct elf_symbol *symbol; /* NULL: symbol 0 */
	uint32_t type;             /* R_X86_64_… */
	int64_t addend;
};

struct elf_section {
	uint32_t index; /* in the section table; assigned anew by elf_object_write() */
	const char *name;
	uint32_t type;  /* SHT_… */
	uint64_t flags; /* SHF_… */
	uint64_t align; /* a power of two, at least 1 */
	uint64_t entsize;
	uint64_t addr;
	uint8_t *data; /* `size` bytes; NULL for SHT_NOBITS and for what is kept parsed (symbol
			  table, relocations, their string tables) */
	uint64_t size;
	struct elf_section *link; /* sh_link, or NULL */
	uint32_t info;            /* sh_info where it is a plain number */

	/* SHT_RELA */
	struct elf_section *target; /* what it relocates */
	struct elf_rela *relas;     /* in ascending order of offset */
	size_t rela_count;

	/* what refers to this section */
	struct elf_section *rela;  /* its ordinary relocation section (without SHF_RELA_LIVEPATCH),
				      or NULL */
	struct elf_symbol *symbol; /* its STT_SECTION symbol, or NULL */

	/* SHT_GROUP */
	struct elf_section **members;
	size_t member_count;
	uint32_t group_flags;
	struct elf_symbol *signature;

	void *user; /* for the object's user; NULL after parsing */
};

struct elf_object {
	struct arena *arena;
	struct elf_section **sections; /* without the null section */
	size_t section_count, section_cap;
	struct elf_symbol **symbols; /* without the null symbol */
	size_t symbol_count, symbol_cap;
	struct elf_section *symtab;   /* NULL: none */
	struct elf_section *strtab;   /* the symbol table's strings */
	struct elf_section *shstrtab; /* section names */
};

/*
 * Reads an object. `what` names it in errors ("a.o"); `data` is copied from and may go afterwards.
 * Names of sections and symbols must be visible ASCII.
 * Errors: ERR_INVALID (with what and where), ERR_UNSUPPORTED (another class, machine or file type,
 * or a relocation format other than RELA), ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int elf_object_parse(const void *data, size_t len, const char *what, struct elf_object **ret,
		     struct error *err);
/* Reads a file of at most ELF_OBJECT_SIZE_MAX bytes; also the errors of file_read(). */
int elf_object_load(const char *path, struct elf_object **ret, struct error *err);
/* An empty object with a symbol table. */
int elf_object_new(struct elf_object **ret);
void elf_object_free(struct elf_object *object);
DEFINE_CLEANUP(struct elf_object *, elf_object_free);
#define _cleanup_elf_object_ _cleanup_(elf_object_freep)

/* The first section or symbol of that name, or NULL. */
struct elf_section *elf_object_section(const struct elf_object *object, const char *name);
struct elf_symbol *elf_object_symbol(const struct elf_object *object, const char *name);

/* Adds an empty section at the end (`name` is copied). NULL without memory. */
struct elf_section *elf_object_add_section(struct elf_object *object, const char *name,
					   uint32_t type, uint64_t flags, uint64_t align);
/* Adds an undefined NOTYPE global symbol at the end (`name` is copied); the caller fills in the
 * rest. NULL without memory. */
struct elf_symbol *elf_object_add_symbol(struct elf_object *object, const char *name);
/* Adds a relocation section for `target`, named `name` (NULL: ".rela" + the target's name), with
 * flags SHF_INFO_LINK | `flags` and room for `count` relocations, all zero. */
struct elf_section *elf_object_add_rela(struct elf_object *object, struct elf_section *target,
					const char *name, uint64_t flags, size_t count);

/*
 * Appends the object as a file: sections in their order, then symbol table, symbol strings and
 * section names; symbols in their order, local ones first (their order otherwise kept), as the ABI
 * demands. The same object always gives the same bytes. Errors: ERR_INVALID for an object that
 * cannot be expressed (a relocation whose symbol is not in it), ERR_TOO_LARGE (also for 65,279
 * sections and more, which are read but not written), ERR_NO_MEMORY.
 */
int elf_object_write(struct elf_object *object, struct buf *out, struct error *err);
