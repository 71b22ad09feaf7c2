/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the undefined symbols of a linked module into livepatch symbols, after
 * Documentation/livepatch/module-elf-format.rst of the kernel: the symbol becomes
 * `.klp.sym.OBJECT.NAME,SYMPOS` with index SHN_LIVEPATCH, its relocations move from `.rela.SECTION`
 * to `.klp.rela.OBJECT.SECTION`. To be done after `strip --strip-debug` and before signing; strip
 * and objcopy afterwards would lose the flags.
 */
#pragma once

#include "elf/object.h"

/* Something that the module is to say of itself: "key=value" in its .modinfo. */
struct convert_note {
	const char *key, *value;
};

struct convert_symbol {
	const char *symbol; /* undefined symbol of the module */
	const char *object; /* "vmlinux" or the name of the module that has it, with underscores */
	const char *name;   /* its name in that object's symbol table */
	unsigned sympos;    /* 1-based among equal names; 0: the only one */
};

/*
 * Appends the converted module to `out`, which says `note` too (NULL: nothing; a module that says
 * something of that key already, or has no .modinfo, is ERR_INVALID). The same input gives the same
 * bytes, whatever the order of `symbols`. An entry whose symbol the module does not have is
 * ERR_NOT_FOUND, one that is defined there ERR_INVALID; undefined symbols without an entry stay
 * ordinary imports. ERR_NOT_PATCHABLE: a symbol of a module in a table that the kernel reads before
 * that module need be there (jump labels, static calls, alternatives). Also the errors of
 * elf_object_parse() and elf_object_write().
 */
int convert_module(const void *module, size_t len, const struct convert_symbol *symbols,
		   size_t count, const struct convert_note *note, struct buf *out,
		   struct error *err);
