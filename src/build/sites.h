/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in code that linking, booting or the running kernel changes: relocated fields,
 * alternatives, jump labels, static calls, paravirtual calls, lock prefixes, retpolines and return
 * thunks, ftrace and IBT marks at function entries, runtime constants.
 */
#pragma once

#include "elf/object.h"

struct site {
	const struct elf_section *section;
	uint64_t offset;
	uint64_t length; /* bytes */
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

/* Marks in `map` (size bytes, 1 = may change) what lies in [offset, offset + size) of a section. */
void sites_mark(const struct sites *sites, const struct elf_section *section, uint64_t offset,
		uint64_t size, uint8_t *map);
