/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Are the structures that a rebuilt file uses those of the shipped kernel? The source or a private
 * header may be another one where no byte of the replaced function shows it, and the new code then
 * uses a member at another place. The kernel's own types (section .BTF, written from the debugging
 * data of its build; Documentation/bpf/btf.rst) tell.
 */
#pragma once

#include "build/output/reason.h"
#include "build/object/shipped.h"

/*
 * Compares each structure and union of the original object that has a name, and each enumerator
 * (not of modules, where values may depend on MODULE), with what the kernel has of that name, as
 * far as it has something: size, and name, place, width and size of every member. Of several with
 * one name in the kernel, one must be equal. `vmlinux` is the kernel; `shipped` the object that the
 * unit belongs to, which may be the same. Appends a REASON_MISMATCH for `file` and each that
 * differs. Compares nothing if the kernel has no such section. `ret_compared` (may be NULL): how
 * many were. Errors: ERR_INVALID (damaged types), ERR_NO_MEMORY.
 */
int shipped_types_check(const struct shipped *vmlinux, const struct shipped *shipped,
			const struct elf_object *original, const char *file,
			struct reason_list *mismatches, size_t *ret_compared, struct error *err);

/* The same with the sections' bytes; `split` are the types of a module (`data` NULL: it has none of
 * its own; else they build on those of `base`), or NULL for the kernel itself. */
struct shipped_types_section {
	const void *data;
	size_t len;
};
int shipped_types_compare(const struct shipped_types_section *base,
			  const struct shipped_types_section *split,
			  const struct elf_object *original, const char *file,
			  struct reason_list *mismatches, size_t *ret_compared, struct error *err);
