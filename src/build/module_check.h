/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Last look at a finished module, beside one that the kernel ships: what a kernel takes without a
 * word and then crashes of, or unwinds wrongly, later.
 */
#pragma once

#include "elf/object.h"
#include "package/kernel_cache.h"

/*
 * Compares with a shipped module: size of struct module and the places of its init and exit
 * function (.gnu.linkonce.this_module); the version of the ORC tables (.orc_header). And what
 * shipped modules have must be complete here: ORC entries for every section of code
 * (.orc_unwind_ip), an entry for every return thunk (.return_sites), every indirect branch
 * (.retpoline_sites) and every call of __fentry__ (__mcount_loc). ERR_MISMATCH, naming the section.
 */
int module_check(const struct elf_object *made, const struct elf_object *shipped,
		 struct error *err);

/* The same with a module of the kernel that has both an init and an exit function; nothing is
 * compared if the kernel is cached without modules. Also the errors of reading one. */
int module_check_kernel(const void *module, size_t len, const struct kernel *kernel,
			struct error *err);
