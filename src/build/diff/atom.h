/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object file taken apart into atoms, the smallest things that are compared and carried as a
 * whole: functions, variables, string literals, unnamed constants, snippets of alternative code;
 * each with what it refers to and the special-section entries that belong to it.
 */
#pragma once

#include "base/vec.h"
#include "build/object/names.h"
#include "build/object/section_class.h"
#include "build/object/special.h"

enum atom_kind {
	ATOM_FUNCTION,
	ATOM_DATA,    /* a named variable or constant, or an entry of a table */
	ATOM_CONTENT, /* counts by its content alone: strings, unnamed constants, code snippets,
			 disposable static locals */
};

struct atom;

/* What told that two atoms are the same thing. */
enum pair_by {
	PAIR_NONE,
	PAIR_BY_NAME,     /* the only ones of that name */
	PAIR_BY_BASE,     /* ... but for the compiler's part of the name */
	PAIR_BY_SCOPE,    /* of one name, local or global, in the same kind of section */
	PAIR_BY_FILE,     /* ... and from the same source file */
	PAIR_BY_CONTENT,  /* ... and with the same content */
	PAIR_BY_POSITION, /* the first of that name, the second, ... */
	PAIR_BY_USER,     /* used by the same function or variable: atom.paired_through */
	PAIR_BY_PARENT,   /* the cold parts of a pair */
};

/* A reference from code or data to a place. */
struct ref {
	uint64_t offset;             /* of the field in its section */
	const struct elf_rela *rela; /* NULL: a branch that the assembler resolved */
	uint32_t type;               /* R_X86_64_… */
	uint8_t width;               /* of the field, in bytes; 0: no field */
	uint16_t operation; /* of code: a hash of what is done there and up to the next reference,
			       whatever the registers */
	struct elf_symbol *symbol;    /* what the relocation names, or NULL */
	struct atom_section *section; /* where it points; NULL: outside this object */
	int64_t position;             /* there; outside: the addend, adjusted like it */
	struct atom *target;          /* what is there; NULL: outside, or nothing known */
	bool branch;                  /* a call or jump */
	bool plain;                   /* code uses the place itself: no index, no address taken */
	bool renamed;                 /* the extracted object names it otherwise (module_keys.h) */
	bool gone;      /* ... has no such relocation: the instruction is a no-op there */
	bool undecoded; /* the instruction is not known, `position` may be off */
};

/* An entry of a special section. */
struct special_entry {
	struct atom_section *section;
	uint64_t offset;
	uint32_t size;
	struct ref *refs;
	size_t ref_count;
	bool silenced;      /* not taken along; the branch becomes a no-op (module_keys.h) */
	struct atom *owner; /* the code it is about; NULL: none that is looked at */
};

struct atom {
	enum atom_kind kind;
	struct atom_section *section;
	uint64_t start, end;       /* in the section; a function's padding included */
	uint64_t entry;            /* of a function: where its symbol points; else `start` */
	struct elf_symbol *symbol; /* NULL for an unnamed one */
	const char *base;          /* name_base() of a numbered variable, else NULL */
	const char *name;          /* of the symbol, else of the section */
	struct ref *refs;          /* within it, in ascending order */
	size_t ref_count;
	VEC(struct special_entry *) entries;
	struct atom *parent; /* of a `.cold` part: the function */
	struct atom *cold;   /* the reverse */
	bool accessed;       /* a variable: code reads or writes it in place */
	bool taken;          /* a variable: its address is taken, by code or data */

	/* set by the comparison */
	struct atom *pair; /* the same thing in the other object */
	enum pair_by paired_by;
	const struct atom *paired_through; /* in this object */
	uint64_t line;          /* of a static local: where it is declared; 0: not known */
	const char *type;       /* ... and the name of its type; NULL: not known */
	uint32_t stamp;         /* of the last search that has been here */
	struct atom *was;       /* the pair, until a copy took its place */
	struct atom *comparing; /* assumed equal to this one meanwhile */
	bool differs;           /* from its pair */
	bool line_numbers;      /* equal to its pair but for line numbers in code */
	bool copied;            /* differs, and a copy goes along instead of a replacement */
	bool changed;           /* a function that is replaced */
	bool unclear;           /* cannot be paired for certain */
	bool tentative;         /* paired by order alone */
	bool confirmed;         /* ... and an unchanged function agrees */

	/* set by the selection */
	bool kept;                          /* goes into the extracted object */
	uint64_t placed;                    /* where, in the section made for its section */
	struct elf_symbol *made, *made_ref; /* its symbol there; the kernel's own */
	uint32_t order;                     /* of discovery */
};

struct atom_section {
	struct elf_section *elf;
	enum section_class class;
	const struct special_def *special;
	VEC(struct atom *) atoms; /* by ascending start */
	VEC(struct ref) refs;     /* by ascending offset */
	struct special_entry *entries;
	size_t entry_count;
	uint32_t entry_size;
	uint32_t loose_at, loose_size; /* bytes of each entry that are not compared */
	enum { LAYOUT_UNKNOWN, LAYOUT_SAME, LAYOUT_DIFFERENT } layout; /* as in the other object */
	struct elf_section *made;                                      /* in the extracted object */
	struct elf_symbol *made_symbol;
};

struct atom_set {
	struct elf_object *object;
	struct arena *arena; /* the diff's */
	const char *name;
	struct atom_section *sections; /* one for each section of the object, in its order */
	size_t section_count;
	VEC(struct atom *) atoms; /* all, in the order of sections */
};

/*
 * Takes an object apart; `object` must outlive the unit, which takes its memory from `arena` and
 * the heap. `objtool_again`: see diff_options. Errors: ERR_INVALID, ERR_UNSUPPORTED (objects that
 * the kernel's flags never give), ERR_NO_MEMORY.
 */
int atom_set_open(struct elf_object *object, const char *name, const struct special_sizes *sizes,
		  bool objtool_again, struct arena *arena, struct atom_set *ret, struct error *err);
void atom_set_close(struct atom_set *unit);

/* The atom at a position of a section, or NULL. A position just behind an atom belongs to it when
 * nothing else is there (C allows such pointers). */
struct atom *atom_at(const struct atom_section *section, int64_t position);

/* True for code. */
bool atom_is_code(const struct atom *atom);
/* True for memory that is freed after boot or load. */
bool atom_is_init(const struct atom *atom);
/* True if the kernel can redirect the function: its first instruction, but for ENDBR, is a call of
 * __fentry__. */
bool atom_is_traceable(const struct atom *atom);
/* For a `.cold` part the function it belongs to, else the atom itself. */
struct atom *atom_owner(struct atom *atom);
