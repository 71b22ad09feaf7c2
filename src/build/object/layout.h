/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Did a structure change its layout? Objects that the running kernel allocated keep the old one,
 * and code for the new one would write beyond them or read other members.
 *
 * Read from the debugging data that the compiler writes with -g (DWARF version 4 or 5), by libdw.
 */
#pragma once

#include "elf/object.h"

/* Told what changed ("struct epitem", or an enumerator's name) and how ("member next is at byte 16
 * instead of byte 8"); a negative code ends the comparison. Both are valid during the call. */
typedef int (*layout_changed_fn)(void *user, const char *name, const char *how);

/*
 * Calls `changed` for each structure or union of both objects whose size differs, or the offset,
 * width or size of a member, or what kind of thing a member is: a number, a pointer, a pointer to
 * another structure, a structure with other members. A member or a structure may be renamed in its
 * place, and a structure around one member counts as that member. And for each enumerator of both
 * that has another value. Types declared within functions are not compared: their objects live on
 * the stack. Compares nothing if one of the objects has no debugging data. Errors: ERR_INVALID
 * (data that contradict themselves), ERR_NO_MEMORY, what `changed` returns.
 */
int layout_compare(const struct elf_object *original, const struct elf_object *patched,
		   layout_changed_fn changed, void *user);
