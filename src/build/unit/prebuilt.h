/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pairs of objects that the caller compiled, before and after a fix: for modules that are not built
 * by kbuild, or elsewhere.
 */
#pragma once

#include "build/unit/compile.h"
#include "build/object/shipped.h"

/*
 * Appends a unit for the pair "ORIG.o:PATCHED.o": named after ORIG.o, without its folder; `object`
 * is the one of `targets` that has more of its functions than any other, at least half. Units of
 * the same bytes have the same id, wherever the files lie. Errors: ERR_USAGE (not two names),
 * ERR_INVALID (not objects, or finished modules; no or several targets fit), those of reading.
 */
int prebuilt_add(const char *pair, struct shipped *const *targets, size_t target_count,
		 struct unit_set *set, struct error *err);

/* The path of PATCHED.o in a pair that was added. */
const char *prebuilt_patched(const char *pair);

/* Is the unit such a pair? There is no command that would compile it again. */
bool prebuilt_is(const struct unit *unit);
