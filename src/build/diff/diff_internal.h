/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a diff holds, for diff*.c, extract.c and module_keys.c only. */
#pragma once

#include "build/diff/diff.h"
#include "build/diff/atom.h"

struct diff {
	struct arena *arena;
	const char *name, *unit_name;
	struct atom_set original, patched;
	VEC(struct diff_function) changed, added;
	VEC(struct diff_data) data;
	struct reason_list reasons;
	VEC(struct atom *) kept; /* of the patched unit, in the order of discovery */
	uint32_t stamp;          /* of the latest search */
	const struct atom *uses; /* whose targets have the stamp */
	bool declarations_read;  /* atom.line, atom.type: as far as they are known */
	struct diff_result result;
};

/* Pairs what is the same in both units (atom.pair, both ways). 0 or ERR_NO_MEMORY. */
int diff_pair(struct diff *diff) _warn_unused_;

/* Its steps: numbered variables through those that use them, and those that moved with code. */
int diff_pair_locals(struct diff *diff) _warn_unused_;
int diff_pair_moved_locals(struct diff *diff) _warn_unused_;
void diff_set_pair(struct atom *a, struct atom *b, enum pair_by by);
/* A hash of content and targets, equal for what is most likely the same. */
uint64_t diff_fingerprint(const struct atom *atom);

/* A hash of how code uses a variable: what it does with it and what comes next; the same wherever
 * that code is in the function, and whatever registers it uses. */
uint64_t diff_use_print(const struct atom *by, const struct atom *what);

/* Compare paired atoms under the pairing. */
bool diff_function_equal(struct atom *a, struct atom *b);
bool diff_data_equal(struct atom *a, struct atom *b);

/* Are two functions equal but for line numbers that they hand to others? */
bool diff_only_lines_differ(const struct atom *a, const struct atom *b);

/* The first reference of an atom from one place in its section up to another, or NULL. */
const struct ref *diff_ref_within(const struct atom *atom, uint64_t from, uint64_t to);

/* Could `function` leave the address of `what` behind, or tell something by it? True if that is
 * not certain. 0 or ERR_NO_MEMORY. */
int diff_keeps_address(const struct atom *function, const struct atom *what, bool *ret)
	_warn_unused_;

/* Where two functions differ first. */
struct difference {
	enum {
		DIFFERENCE_NONE,
		DIFFERENCE_PLACE,     /* section, padding, a cold part in one only */
		DIFFERENCE_BYTES,     /* at `offset` from the start of both */
		DIFFERENCE_REFERENCE, /* `a` and `b` lead to different things */
		DIFFERENCE_REFERENCE_COUNT,
		DIFFERENCE_ENTRY, /* of a special section, `section` */
	} kind;
	uint64_t offset;
	const struct ref *a, *b;
	const char *section;
};

struct difference diff_first_difference(const struct atom *a, const struct atom *b);

/* Where what differs cannot be replaced but copied, that is done: it has no pair any more, and its
 * users differ. */
int diff_copy_fixed(struct diff *diff) _warn_unused_;

/* Finds all that changed and new functions need; what stands in the way becomes a reason. */
int diff_select(struct diff *diff) _warn_unused_;

/* Adds a reason about `subject`; `hint`: a way round that is better than the reason's usual one, or
 * NULL. 0, ERR_NO_MEMORY or ERR_TOO_LARGE. */
int diff_advise(struct diff *diff, enum reason_code code, const char *subject, const char *hint,
		const char *format, ...) _printf_(5, 6) _warn_unused_;
#define diff_refuse(diff, code, subject, ...) diff_advise(diff, code, subject, NULL, __VA_ARGS__)

/* Adds warnings and notes about what changed, and refuses what would saw off its own branch. 0 or
 * ERR_NO_MEMORY. */
int diff_find_hazards(struct diff *diff) _warn_unused_;

/* Refuses a changed variable, or a changed function that ftrace cannot redirect, in the words that
 * fit what it is. 0 or ERR_NO_MEMORY. */
int diff_refuse_data(struct diff *diff, const struct atom *original, const struct atom *patched)
	_warn_unused_;
int diff_refuse_untraceable(struct diff *diff, const struct atom *original) _warn_unused_;
/* If a variable, function or structure of that name is a part of a tracepoint, refuses the change
 * of the tracepoint, once for all its parts. 1, 0 if it is none, or ERR_NO_MEMORY. */
int diff_refuse_tracepoint(struct diff *diff, const char *part) _warn_unused_;
