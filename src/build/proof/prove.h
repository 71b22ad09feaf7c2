/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proof of a unit, and what `suture-build prove` does with it. */
#pragma once

#include "build/proof/runpre.h"

/*
 * Compares functions of a unit with the shipped ones (runpre_check()). Where the build in sections
 * is not the shipped code, the kernel's own way of building decides: it is compiled then. Errors:
 * those of runpre_check() and compile_stock().
 */
int prove_functions(const struct kbuild *kb, struct unit *unit, const struct shipped *shipped,
		    const char *const *names, size_t n, struct reason_list *mismatches,
		    struct runpre **ret, struct error *err);
