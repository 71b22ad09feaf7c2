/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in code that linking, booting or the running kernel changes: relocated fields,
 * alternatives, jump labels, static calls, paravirtual calls, lock prefixes, retpolines and return
 * thunks, ftrace and IBT marks at function entries, runtime constants.
 */
#pragma once

#include "elf/object.h"

enum site_kind {
	SITE_FIELD,     /* a relocated field: what it refers to can be read from the shipped code */
	SITE_REWRITTEN, /* objtool rewrites it before the kernel is shipped */
	SITE_RUN_TIME,  /* as compiled in the shipped code; booting or running changes it */
};

struct site {
	const struct elf_section *section;
	uint64_t offset;
	uint64_t length; /* bytes, at most 255 */
	enum site_kind kind;
};

struct sites {
	struct site *items; /* sorted by section index, then offset; may overlap */
	size_t n, cap;
};

void sites_free(struct sites *sites);
#define _cleanup_sites_ _cleanup_(sites_free)

/*
 * Collects every such place of an object that was compiled but not yet run through objtool.
 * ERR_INVALID for a special section that makes no sense, ERR_NO_MEMORY.
 */
int sites_collect(const struct elf_object *object, struct sites *ret, struct error *err);

/*
 * Marks in `map` (size bytes, 1 = may differ) what lies in [offset, offset + size) of a section:
 * everything that may differ between the compiler's output and the shipped file (at_link), or
 * between that and a running kernel's memory (everything).
 */
void sites_mark(const struct sites *sites, const struct elf_section *section, uint64_t offset,
		uint64_t size, bool at_link, uint8_t *map);

/* Does objtool rewrite the instruction that this byte belongs to? */
bool sites_rewritten(const struct sites *sites, const struct elf_section *section, uint64_t offset);
