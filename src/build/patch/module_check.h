/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Last look at a finished module, beside one that the kernel ships: what a kernel takes without a
 * word and then crashes of, or unwinds wrongly, later.
 */
#pragma once

#include "elf/object.h"
#include "build/object/symvers.h"
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

/* ERR_INVALID, naming it, for an undefined symbol that is neither a livepatch symbol nor exported
 * by the kernel itself to everyone: such a module cannot be loaded. */
int module_check_imports(const struct elf_object *made, const struct symvers *symvers,
			 struct error *err);

/* Both, and special_check(); with a module of the kernel that has an init and an exit function;
 * nothing is compared if the kernel is cached without modules. Also the errors of reading one. */
int module_check_kernel(const void *module, size_t len, const struct kernel *kernel,
			const struct symvers *symvers, struct error *err);
