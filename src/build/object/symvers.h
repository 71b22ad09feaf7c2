/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Module.symvers: what the kernel and its modules export. */
#pragma once

#include "base/error.h"

struct symvers_entry {
	const char *name;
	const char *module; /* "vmlinux", or the path of the exporting module without ".ko" */
	const char *space;  /* export namespace, "" for none */
	uint32_t crc;       /* of its type */
};

struct symvers;

/* Reads the file (Documentation/kbuild/modules.rst, "Module.symvers format"). ERR_INVALID for a
 * line that is not understood; the errors of file_read(). */
int symvers_load(const char *path, struct symvers **ret, struct error *err);
void symvers_free(struct symvers *s);
DEFINE_CLEANUP(struct symvers *, symvers_free);
#define _cleanup_symvers_ _cleanup_(symvers_freep)

/* The export of that name, or NULL. Belongs to the table. */
const struct symvers_entry *symvers_find(const struct symvers *s, const char *name);
