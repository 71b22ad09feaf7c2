/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A matrix file: which patches are tried on which kernels, in which machines, by which cases
 * (docs/formats.md, "Matrix file"). Lines as in base/config.h, in sections:
 *
 *   [matrix]        kernels, cases, cycles, timeout, limit
 *   [patch NAME]    source and version, or module; earlier, reproducer, sleeper, load, kernels,
 * tried [machine NAME]  cpus, memory, accel, cpu, type, secure-boot
 *
 * Lists are words between blanks. Paths are relative to the file's folder.
 */
#pragma once

#include "base/config.h"
#include "lab/guest/guest.h"
#include "lab/matrix/kernel_pattern.h"

#define MATRIX_PATCHES_MAX  64
#define MATRIX_MACHINES_MAX 32
#define MATRIX_WORDS_MAX    64 /* in a list */

struct matrix_patch {
	char name[CONFIG_NAME_MAX + 1];
	unsigned line;
	char version[16];         /* "" with a module that has none */
	struct name_list sources; /* absolute paths, in order; empty with `module` */
	char *module;             /* a module that is built already, or NULL */
	char *reproducer, *sleeper;
	struct name_list load;            /* modules that the guest loads at its start */
	struct name_list kernels;         /* patterns that limit it; empty: all */
	size_t earlier[MATRIX_WORDS_MAX]; /* places of patches that it replaces */
	size_t earlier_n;
	bool tried; /* false: only there to be replaced by others */
};

struct matrix_machine {
	char name[CONFIG_NAME_MAX + 1];
	unsigned cpus, memory_mb;
	enum guest_accel accel;
	char *cpu;  /* NULL: the guest's default */
	char *type; /* pc or q35 */
	bool secure_boot;
};

struct matrix_file {
	struct name_list kernels; /* patterns */
	struct name_list cases;   /* empty: the standard ones */
	int cycles;               /* 0: the case's own number */
	int timeout_ms;           /* of a transition and of the reproducer */
	int limit_ms;             /* of one combination, all cases together */
	struct matrix_patch *patches;
	size_t patches_n;
	struct matrix_machine *machines; /* one called `standard` if the file has none */
	size_t machines_n;
};

/* Reads the text of a file that lies in `folder`; touches no other file. Any bytes. ERR_INVALID,
 * with the line, and ERR_TOO_LARGE. */
int matrix_file_parse(const void *text, size_t len, const char *folder, struct matrix_file *ret,
		      struct error *err);
/* The same with a file, whose name is in the errors; what it names must be there. */
int matrix_file_load(const char *path, struct matrix_file *ret, struct error *err);
void matrix_file_free(struct matrix_file *file);
#define _cleanup_matrix_file_ _cleanup_(matrix_file_free)

/* What a machine is, in the words of trial.h ("pc, 1 cpu, 512 MB, tcg"). */
#define MATRIX_MACHINE_MAX    256
void matrix_machine_describe(const struct matrix_machine *m, char ret[static MATRIX_MACHINE_MAX]);
