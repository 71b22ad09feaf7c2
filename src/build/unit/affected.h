/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which objects of the kernel a patch changes: those compiled from a patched C file, and those that
 * include a patched file and whose preprocessed text is another one with the patch.
 */
#pragma once

#include "build/unit/compile.h"

/* More files than this are only looked at if that is asked for. */
#define AFFECTED_LIMIT 200

/*
 * Finds them and fills `overlay` with what they read. What the patch does beyond C (to assembler,
 * to the vDSO) and files that this kernel reads nowhere are appended to `reasons`. `all`: also when
 * more than AFFECTED_LIMIT files include what is patched. Errors: ERR_TOO_LARGE (too many of them,
 * with their number and the time that they would take), ERR_CHILD (the preprocessor's words), those
 * of unit_list_load() and include_graph_load().
 */
int affected_units(const struct kbuild *kb, const struct source_set *sources, bool all,
		   const struct overlay *overlay, struct reason_list *reasons, struct unit_set *ret,
		   struct error *err);
