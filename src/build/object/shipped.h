/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code and symbols as the kernel ships them: the vmlinux inside its image, or one of its modules.
 *
 * Addresses are those of the image; for a module, which has none before it is loaded, they are made
 * up: each section begins at (its index + 1) << 32.
 */
#pragma once

#include "elf/object.h"
#include "package/kernel_cache.h"

struct shipped_symbol {
	const char *name;
	uint64_t address;
	uint64_t room; /* bytes to the next symbol, or to the end of the section; 0: not known */
	bool global;
	bool code;
};

struct shipped;

/* Opens "vmlinux" or a module (by its name with underscores). ERR_NOT_FOUND (no such module), and
 * the errors of reading and decoding. */
int shipped_open(const struct kernel *kernel, const char *object, struct shipped **ret,
		 struct error *err);
/* Opens a module that is not part of a kernel, by its file; its .modinfo says what it is called.
 * ERR_INVALID (also for a name that is none of a module), and those of reading. */
int shipped_open_file(const char *path, struct shipped **ret, struct error *err);
void shipped_free(struct shipped *s);
DEFINE_CLEANUP(struct shipped *, shipped_free);
#define _cleanup_shipped_ _cleanup_(shipped_freep)

const char *shipped_object(const struct shipped *s);
const char *shipped_build_id(const struct shipped *s);
/* A module's file; NULL for vmlinux. Belongs to it. */
const struct elf_object *shipped_elf(const struct shipped *s);
/* The made-up address of a module's section. */
uint64_t shipped_section_address(const struct elf_section *section);
/* The bytes of a section of the file by its name; NULL if there is none. */
const uint8_t *shipped_section(const struct shipped *s, const char *name, size_t *ret_len);
/* Of the module's file, unpacked; NULL for vmlinux. */
const char *shipped_sha256(const struct shipped *s);
/* The module's vermagic; NULL for vmlinux. */
const char *shipped_vermagic(const struct shipped *s);

/* The value of "vermagic=" among the strings of a module's .modinfo, for the caller to free.
 * ERR_NOT_FOUND, ERR_NO_MEMORY. */
int shipped_read_vermagic(const struct elf_object *module, char **ret);

/* Symbols of one name in the order in which the kernel counts them for sympos (kallsyms order;
 * for a module its symbol table's, without what is freed after initialisation). */
size_t shipped_matches(const struct shipped *s, const char *name);
/* The `pos`th of them, from 1; false if there are fewer. */
bool shipped_find(const struct shipped *s, const char *name, size_t pos,
		  struct shipped_symbol *ret);
/* False for a name that a module also has in memory that is freed after its initialisation: while
 * the module loads, the kernel counts that one too (klp_module_coming() sees the whole symbol
 * table), and later it does not, so that no sympos holds. */
bool shipped_is_settled(const struct shipped *s, const char *name);

/* What livepatch wants for the symbol of that name at that address: 0 if the name is unique, else
 * its position; -1 if there is none, or the name is not settled. */
int shipped_sympos(const struct shipped *s, const char *name, uint64_t address);

/* `len` bytes of code or data at an address, or NULL if they are not in the file. */
const uint8_t *shipped_bytes(const struct shipped *s, uint64_t address, size_t len);

/* What a relocated field refers to: an address, or (modules) a symbol of another object. */
struct shipped_target {
	uint64_t address;   /* if `import` is NULL: of the symbol, i.e. without the addend */
	const char *import; /* name of an undefined symbol */
};

/*
 * Reads the field at `place` as a relocation of this type and addend (R_X86_64_PC32, PLT32, 32S,
 * 32, 64, PC64) would have written it, and says which symbol address it holds. False if the file
 * has no such field there, or one of another kind.
 */
bool shipped_field(const struct shipped *s, uint64_t place, uint32_t type, int64_t addend,
		   struct shipped_target *ret);
