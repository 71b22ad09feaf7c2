/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deciding what each undefined symbol of the extracted code is: an ordinary import (exported by the
 * kernel itself), or a livepatch symbol of vmlinux or of a module, with its sympos.
 */
#pragma once

#include "build/patch/analysis.h"
#include "build/object/convert.h"
#include "build/diff/extract.h"
#include "build/object/symvers.h"

struct resolution {
	struct convert_symbol *symbols; /* livepatch symbols; the rest are imports */
	size_t symbol_count, symbol_cap;
	struct name_list objects; /* modules whose symbols are used, beyond those patched */
	struct arena *arena;
};

/*
 * Refuses a new global whose name the unit's object, or the kernel itself, has already: a function
 * or variable that moved here from another file, which would be there twice then, or one that is to
 * override a weak one. Appends to a->reasons. ERR_NO_MEMORY and the errors of analysis_shipped().
 */
int resolve_check_new(struct analysis *a, const struct analysis_unit *u, struct error *err);
/*
 * Resolves the undefined symbols of all extracted units (`extracts` in the order of a->units; NULL
 * for one that is left out). As all become one module, no two of them may have a new global of one
 * name, nor may one have what another means something else by, or every livepatch has. What cannot
 * be resolved for certain is appended to a->reasons, and the resolution is not whole then. Errors:
 * ERR_NO_MEMORY and those of analysis_shipped() and analysis_symvers().
 */
int resolve_symbols(struct analysis *a, struct extract *const *extracts, struct resolution *ret,
		    struct error *err);
/* An empty resolution, and another livepatch symbol for it (the strings are copied). Each name of
 * the module once. ERR_NO_MEMORY. */
int resolution_init(struct resolution *ret, struct error *err);
int resolution_add(struct resolution *r, const char *symbol, const char *object, const char *name,
		   unsigned sympos, struct error *err);
/*
 * Warns of modules that the patched kernel could not load a second time: relocations of a livepatch
 * to symbols of a module are done when that one is loaded, and kernels before 6.3 do not undo them
 * (clear_relocate_add() of arch/x86/kernel/module.c) when it goes. ERR_NO_MEMORY and the errors of
 * analysis_shipped().
 */
int resolution_warn(struct analysis *a, const struct resolution *r, struct error *err);
/*
 * Refuses what takes the address of a function that the kernel's indirect branch tracking does not
 * let through (landing.h). `object`: the extracted or linked code, whose undefined symbols `r` and
 * the kernel's exports explain; `original`: the code that it replaces, or NULL; `file`: its source,
 * or NULL. What the original takes the address of, it may call by other ways. Appends to
 * a->reasons. Errors as above.
 */
int resolution_check_landings(struct analysis *a, const struct resolution *r,
			      const struct elf_object *object, const struct elf_object *original,
			      const char *file, struct error *err);
void resolution_free(struct resolution *r);
#define _cleanup_resolution_ _cleanup_(resolution_free)
