/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of run-pre matching: a rebuilt object prepared for it, and the comparison of what it refers
 * to. */
#pragma once

#include "build/object/names.h"
#include "build/proof/runpre.h"
#include "build/proof/sites.h"

#define RUNPRE_WHY_MAX 512

/* A relocated field, with what it means. */
struct runpre_ref {
	const struct elf_rela *rela;
	int64_t position; /* from the symbol: the addend, without what the processor adds */
	bool unclear;     /* in an instruction that is not known: `position` may be off */
};

struct runpre_section;

/* Where the shipped object has a section. */
struct runpre_placed {
	struct runpre_section *section;
	uint64_t base;
	bool vouched; /* the symbol table has one of its names there */
};

struct runpre_section {
	const struct elf_section *elf;
	struct runpre_ref *refs; /* in ascending order of offset */
	size_t ref_count;
	VEC(uint64_t) cuts; /* where things begin or end, ascending */
	VEC(const struct elf_symbol *) names;
	struct runpre_placed placed; /* once equal code has told; section NULL: not yet */
};

/* A function of a rebuilt object, and what came of comparing it. */
struct runpre_candidate {
	const struct elf_symbol *symbol;
	enum { CANDIDATE_NEW, CANDIDATE_EQUAL, CANDIDATE_DIFFERENT } state;
	struct shipped_symbol at; /* if equal */
	char *why;                /* if different */
};

/* One build of the original. */
struct runpre_object {
	struct elf_object *elf;
	struct sites sites;
	struct runpre_section *sections; /* elf_section.user points into it */
	struct runpre_candidate *functions;
	size_t function_count;
	struct name_table *by_name; /* of functions */
};

/* A symbol of the unit and its address in the shipped object. */
struct runpre_known {
	const char *name;
	uint64_t address;
};

/* What comparing one function has taught; kept only if it is equal. */
struct runpre_trial {
	VEC(struct runpre_known) known;
	VEC(struct runpre_placed) placed;
};

struct runpre_check {
	const struct shipped *shipped;
	struct runpre_object *object; /* under comparison */
	struct runpre *out;
	struct runpre_trial trial;
	bool no_memory;
	uint64_t difference;      /* offset of the first byte that runpre_same_bytes() found */
	char why[RUNPRE_WHY_MAX]; /* what differs */
};

/* Reads and prepares an object. Errors: ERR_INVALID, ERR_UNSUPPORTED, ERR_NO_MEMORY. */
int runpre_object_open(const struct buf *file, const char *what, struct runpre_object *ret,
		       struct error *err);
void runpre_object_close(struct runpre_object *object);
struct runpre_candidate *runpre_object_function(const struct runpre_object *object,
						const char *name);

/* Names that the compiler makes up are not in the kernel's symbol table. */
bool runpre_is_named(const struct elf_symbol *y);

/* Says why not, in c->why; always false. */
bool runpre_differs(struct runpre_check *c, const char *format, ...) _printf_(2, 3);

/* Do `size` bytes of a section, what is relocated or rewritten left out, stand at that address? If
 * not, c->difference is the first other one, or `size` if there are not so many. */
bool runpre_same_bytes(struct runpre_check *c, const struct elf_section *section, uint64_t offset,
		       uint64_t size, uint64_t address);

/* Do all references in a range of a section, which is shipped at `address`, refer to the same? */
bool runpre_same_references(struct runpre_check *c, const struct elf_section *section,
			    uint64_t offset, uint64_t size, uint64_t address, unsigned depth);

/* The section of a symbol is shipped at `base`: false if it was seen elsewhere before, or the
 * symbol table has one of its names elsewhere. ret_vouched: the symbol table has one of its names
 * there.
 */
bool runpre_place(struct runpre_check *c, const struct elf_symbol *y, uint64_t base,
		  bool *ret_vouched);

/* The unit has its symbol at that address: false if it was seen elsewhere before. */
bool runpre_learn(struct runpre_check *c, const char *name, uint64_t address);

/* The trial's teachings become the unit's, or are forgotten. */
void runpre_trial_keep(struct runpre_check *c);
void runpre_trial_drop(struct runpre_check *c);
