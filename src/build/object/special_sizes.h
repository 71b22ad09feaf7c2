/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How large the structures in a kernel's special sections are: from the types that the kernel
 * carries about itself (BTF: Documentation/bpf/btf.rst).
 */
#pragma once

#include "build/object/special.h"
#include "package/kernel_cache.h"

/* From the raw contents of a .BTF section. Structures that are not there stay 0. ERR_INVALID for
 * what is no BTF. */
int special_sizes_read(const void *btf, size_t len, struct special_sizes *ret, struct error *err);

/*
 * Of a kernel in the cache. The answer is kept there (special-sizes.json), for the build ID it
 * belongs to, so that the second time costs nothing. All 0 for a kernel without BTF. Errors:
 * ERR_INVALID, and those of reading its vmlinux.
 */
int special_sizes_of_kernel(const struct kernel *kernel, struct special_sizes *ret,
			    struct error *err);
