/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Indirect branch tracking (Intel SDM volume 1, chapter 17): where a function is called through its
 * address, it must begin with ENDBR64. gcc leaves that out of static functions whose address
 * nothing takes; of the others, objtool lists in .ibt_endbr_seal those whose address nothing in the
 * kernel or module takes, and the kernel overwrites it there (apply_seal_endbr() of
 * arch/x86/kernel/alternative.c). A patch that takes such an address would stop a machine that has
 * this protection, and works on all others.
 */
#pragma once

#include "build/object/shipped.h"

enum landing {
	LANDING_GOOD,
	LANDING_MISSING, /* no ENDBR64 */
	LANDING_SEALED,  /* the kernel overwrites it */
};

/* Whether the kernel was configured with CONFIG_X86_KERNEL_IBT; `vmlinux`: shipped_open() of it. */
bool landing_matters(const struct shipped *vmlinux);

/* What an indirect call of a symbol of `s` finds in such a kernel. Good for what is no code. */
enum landing landing_at(const struct shipped *s, const struct shipped_symbol *symbol);

/* Whether code or data of the object takes the address of a symbol in its table: direct calls and
 * jumps do not, nor do the tables of special.h. */
bool landing_taken(const struct elf_object *object, const struct elf_symbol *symbol);
