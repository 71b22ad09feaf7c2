/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Did a structure change its layout? Objects that the running kernel allocated keep the old one,
 * and code for the new one would write beyond them or read other members.
 *
 * Read from the types that the compiler writes with -gbtf (section .BTF,
 * Documentation/bpf/btf.rst).
 */
#pragma once

#include "elf/object.h"

/* Told what changed ("struct epitem", or an enumerator's name) and how ("member next is at byte 16
 * instead of byte 8"); a negative code ends the comparison. Both are valid during the call. */
typedef int (*layout_changed_fn)(void *user, const char *name, const char *how);

/*
 * Calls `changed` for each structure or union of both objects whose size differs, or the offset,
 * width or size of a member; a member may be renamed in its place if it stays of one kind. And for
 * each enumerator of both that has another value. Compares nothing if one of the objects has no
 * .BTF section. Errors: ERR_INVALID (types that contradict themselves), ERR_NO_MEMORY, what
 * `changed` returns.
 */
int layout_compare(const struct elf_object *original, const struct elf_object *patched,
		   layout_changed_fn changed, void *user);
