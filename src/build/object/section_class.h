/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each section of a kernel object is, by its name: the one place where that is decided. After
 * include/asm-generic/vmlinux.lds.h, scripts/module.lds.S and kernel/module/main.c of Linux 5.10 to
 * 6.12.
 */
#pragma once

#include "elf/object.h"

enum section_class {
	CLASS_IGNORED,   /* says nothing about code or data of the running kernel */
	CLASS_TEXT,      /* functions */
	CLASS_INIT_TEXT, /* functions that run once, at load or unload */
	CLASS_SNIPPET,   /* pieces of code without names: of alternatives and fix-ups */
	CLASS_STRINGS,   /* mergeable string literals */
	CLASS_RODATA,
	CLASS_DATA, /* writable, zeroed or not */
	CLASS_PERCPU,
	CLASS_RO_AFTER_INIT,
	CLASS_INIT_DATA, /* gone after boot or load */
	CLASS_TABLE,     /* collected by the linker and read once: parameters, initcalls, … */
	CLASS_SPECIAL,   /* its entries belong to places in code: see special.h */
	CLASS_REFUSED,   /* not processed for modules: runtime constants */
	CLASS_UNKNOWN,   /* part of the kernel's memory, but not known here */
};

enum section_class section_class(const struct elf_section *section);

/* What is compared as one thing, where nothing can be added to. */
static inline bool section_is_table(enum section_class class)
{
	return class == CLASS_TABLE || class == CLASS_UNKNOWN;
}

/* What to do instead of adding to or changing such a section (CLASS_TABLE and CLASS_REFUSED), as
 * the end of a sentence; NULL: nothing better is known. */
const char *section_advice(const char *name);
