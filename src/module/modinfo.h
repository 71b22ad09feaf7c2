/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel module file says of itself: `.modinfo`, the build ID note, and whether a signature
 * is appended. Contents are not verified here.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "elf/object.h"

/* Largest module file that is read, and most `.modinfo` entries in it. */
#define MODINFO_FILE_MAX     (256U << 20)
#define MODINFO_ENTRIES_MAX  4096
/* Longest build ID, in bytes. */
#define MODINFO_BUILD_ID_MAX 32

struct modinfo_entry {
	const char *key, *value;
};

/* Strings belong to the modinfo; those of a kind that the module lacks are NULL. */
struct modinfo {
	const char *name;
	const char *vermagic;
	const char *depends;           /* comma-separated, "" for none */
	bool livepatch;                /* "livepatch=Y": include/linux/livepatch.h, MODULE_INFO */
	struct modinfo_entry *entries; /* all, in the file's order */
	size_t entry_count;
	uint8_t build_id[MODINFO_BUILD_ID_MAX]; /* NT_GNU_BUILD_ID */
	size_t build_id_len;                    /* 0: none */
	bool signed_;                           /* a signature is appended */
	size_t module_len;                      /* bytes before the signature: the ELF file */
	struct arena *arena;
};

/*
 * Reads a module file, with or without an appended signature (signature_split()). Errors:
 * ERR_INVALID (not a module: no `.modinfo`, entries without '=' or zero byte, a note or signature
 * trailer that does not fit), ERR_TOO_LARGE, ERR_NO_MEMORY, and those of elf_object_parse().
 */
int modinfo_parse(const void *data, size_t len, const char *what, struct modinfo **ret,
		  struct error *err);
/* The same from the module's parsed ELF part; signed_ and module_len are left 0. */
int modinfo_from_object(const struct elf_object *object, const char *what, struct modinfo **ret,
			struct error *err);
void modinfo_free(struct modinfo *info);
DEFINE_CLEANUP(struct modinfo *, modinfo_free);
#define _cleanup_modinfo_ _cleanup_(modinfo_freep)

/* The first value of a key, or NULL. */
const char *modinfo_get(const struct modinfo *info, const char *key);
