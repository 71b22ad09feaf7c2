/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shipped functions for which nothing was rebuilt (hand-written modules): their code as it is, and
 * the places in it that booting or running changes. For a module its file's relocations and special
 * sections tell them; for vmlinux the tables that the kernel itself goes through, found by their
 * symbols, and every field whose value could be an address of the image or of a per-CPU variable,
 * since the randomised base moves those.
 */
#pragma once

#include "build/proof/runpre.h"
#include "build/object/special.h"
#include "module/tables.h"

/*
 * Describes the functions of one object, by name and sympos, for the build record: the result
 * counts none as compared. One that is not there, or that needs a sympos, is appended to `reasons`
 * and left with `equal` false. Errors: ERR_INVALID, ERR_NO_MEMORY.
 */
int code_mask_functions(const struct shipped *shipped, const struct special_sizes *sizes,
			const struct tables *tables, struct reason_list *reasons,
			struct runpre **ret, struct error *err);
