/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF notes as the kernel shows them in /sys: where its build ID stands. */
#pragma once

#include "base/error.h"

/* A build ID as text: 8 to 64 lower-case hexadecimal digits, and a zero. */
#define KERNEL_BUILD_ID_MAX 64

/*
 * Finds the GNU build ID (name "GNU", type NT_GNU_BUILD_ID = 3) in a run of ELF notes: 4-byte
 * aligned name and description after three little-endian words, as in elf(5). Follows
 * include/linux/elfnote.h. ERR_NOT_FOUND without one; ERR_INVALID when a length runs over the end.
 */
int kernel_notes_build_id(const void *data, size_t len, char ret[static KERNEL_BUILD_ID_MAX + 1]);

/* Build ID of the running kernel (/sys/kernel/notes). */
int kernel_build_id(const char *root, char ret[static KERNEL_BUILD_ID_MAX + 1], struct error *err);

/* Build ID of a loaded module (/sys/module/NAME/notes/.note.gnu.build-id). ERR_NOT_FOUND when it is
 * not loaded or has none. */
int kernel_module_build_id(const char *root, const char *module,
			   char ret[static KERNEL_BUILD_ID_MAX + 1], struct error *err);
