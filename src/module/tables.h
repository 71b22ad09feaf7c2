/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a livepatch module hands to the kernel, read from its tables in the file: struct klp_patch,
 * klp_object, klp_func and klp_state of include/linux/livepatch.h, found through their relocations.
 * Of these structures only the fields that a module itself fills in are read; their places are the
 * same in all kernels from 5.10 on. The size of a struct klp_func is the distance of neighbours,
 * which has to be the same everywhere: a table with gaps, or that shares entries with another
 * object's, is refused.
 */
#pragma once

#include "elf/object.h"

/* A function that the module replaces. */
struct tables_function {
	const char *object; /* "vmlinux" or a module */
	const char *name;
	uint64_t sympos;
	const char *symbol;          /* of the new code in this module; "" if none says so */
	size_t table;                /* which object's functions it is among */
	struct elf_section *section; /* where its struct klp_func is: name, new code, sympos */
	uint64_t at;
};

/* Offsets in a struct klp_func. */
#define TABLES_FUNC_NAME   0
#define TABLES_FUNC_CODE   8
#define TABLES_FUNC_SYMPOS 16

/* An object that the module patches, or only has callbacks for. */
struct tables_object {
	const char *name; /* "vmlinux" or a module */
	size_t function_count;
	bool callbacks; /* at least one */
};

struct tables_state {
	uint64_t id;
	uint32_t version;
};

/* Lists are in the tables' order; strings belong to the object file. */
struct tables {
	struct tables_object *objects;
	size_t object_count;
	struct tables_function *functions;
	size_t function_count;
	struct tables_state *states;
	size_t state_count;
	bool replace; /* takes the place of every other livepatch */
};

/*
 * Reads the tables of a module. ERR_NOT_FOUND: there is none (its struct klp_patch, or what that
 * points to, is not initialised data); ERR_INVALID for one that the kernel could not read;
 * ERR_UNSUPPORTED for more than one struct klp_patch; ERR_TOO_LARGE; ERR_NO_MEMORY.
 */
int tables_read(const struct elf_object *module, struct tables *ret, struct error *err);
void tables_free(struct tables *tables);
#define _cleanup_tables_ _cleanup_(tables_free)
