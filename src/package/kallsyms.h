/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own symbol table (kallsyms), read from an unpacked vmlinux: Debian strips the ELF
 * symbol table, and the kernel resolves livepatch symbols by this one.
 */
#pragma once

#include "base/error.h"

/* Most symbols accepted. */
#define KALLSYMS_MAX (4 * 1024 * 1024)

struct kallsyms_symbol {
	uint64_t address;
	uint64_t size;    /* to the next higher address; 0 for the last */
	const char *name; /* owned by the table */
	char type;        /* as in nm(1): t, T, d, D, b, … */
};

struct kallsyms;

/*
 * Finds and decodes the tables in the bytes of a vmlinux. They carry no label, so they are found by
 * their structure and believed only if every cross-check holds (token index, markers, ascending
 * addresses). Layouts: scripts/kallsyms.c of Linux 6.1 (offsets before the names) and 6.4 and later
 * (offsets after the token index), with relative base and with or without absolute per-CPU symbols.
 * Errors: ERR_INVALID (no tables that fit), ERR_NO_MEMORY.
 */
int kallsyms_parse(const uint8_t *image, size_t len, struct kallsyms **ret, struct error *err);
void kallsyms_free(struct kallsyms *k);
DEFINE_CLEANUP(struct kallsyms *, kallsyms_free);
#define _cleanup_kallsyms_ _cleanup_(kallsyms_freep)

/* Symbols in the table's order, which is by address. */
size_t kallsyms_count(const struct kallsyms *k);
const struct kallsyms_symbol *kallsyms_get(const struct kallsyms *k, size_t i);

/* How many symbols have exactly this name. */
size_t kallsyms_matches(const struct kallsyms *k, const char *name);
/*
 * The `pos`th symbol of that name (from 1) in table order, which is what the kernel counts for
 * sympos (kernel/livepatch/core.c, klp_find_object_symbol()). NULL if there are fewer.
 */
const struct kallsyms_symbol *kallsyms_find(const struct kallsyms *k, const char *name, size_t pos);
/* First symbol at exactly this address, or NULL. */
const struct kallsyms_symbol *kallsyms_at(const struct kallsyms *k, uint64_t address);
