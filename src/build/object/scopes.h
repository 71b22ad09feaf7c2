/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the debugging data of an object tell of the inside of its functions: static variables with
 * the places of their declarations, and calls that were inlined (DWARF 5, 3.3.8 and 4.1).
 */
#pragma once

#include "elf/object.h"

struct scopes_visitor {
	/* A variable inside a function that has an address: `position` of `section`, declared in
	 * that line (after #line), of the type with that name ("" if it has none; of an array its
	 * elements'). NULL: not wanted. */
	int (*variable)(void *user, const struct elf_section *section, uint64_t position,
			uint64_t line, const char *type);
	/* A call of `callee` in the code of `function` is inlined there. NULL: not wanted. */
	int (*inlined)(void *user, const char *function, const char *callee);
	void *user;
};

/*
 * Goes through all functions of an object. Names live until the visitor returns. What a visitor
 * returns below 0 ends it and is returned; else ERR_NOT_FOUND (no debugging data), ERR_INVALID,
 * ERR_NO_MEMORY.
 */
int scopes_visit(const struct elf_object *object, const struct scopes_visitor *visitor)
	_warn_unused_;
