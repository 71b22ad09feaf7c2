/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a diff holds, for diff*.c and extract.c only. */
#pragma once

#include "build/diff.h"
#include "build/atom.h"

struct diff {
	struct arena *arena;
	const char *name, *unit_name;
	struct atom_set original, patched;
	VEC(struct diff_function) changed, added;
	VEC(struct diff_data) data;
	struct reason_list reasons;
	VEC(struct atom *) kept; /* of the patched unit, in the order of discovery */
	struct diff_result result;
};

/* Pairs what is the same in both units (atom.pair, both ways). 0 or ERR_NO_MEMORY. */
int diff_pair(struct diff *diff) _warn_unused_;

/* Compare paired atoms under the pairing. */
bool diff_function_equal(struct atom *a, struct atom *b);
bool diff_data_equal(struct atom *a, struct atom *b);

/* Finds all that changed and new functions need; what stands in the way becomes a reason. */
int diff_select(struct diff *diff) _warn_unused_;

/* Adds a reason about `subject`; `hint`: a way round that is better than the reason's usual one, or
 * NULL. 0, ERR_NO_MEMORY or ERR_TOO_LARGE. */
int diff_advise(struct diff *diff, enum reason_code code, const char *subject, const char *hint,
		const char *format, ...) _printf_(5, 6) _warn_unused_;
#define diff_refuse(diff, code, subject, ...) diff_advise(diff, code, subject, NULL, __VA_ARGS__)
