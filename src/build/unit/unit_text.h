/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What objects of the kernel are made of, before and after a patch: the texts that the compiler
 * reads, and for some objects what becomes of them.
 */
#pragma once

#include "build/unit/compile_task.h"
#include "build/unit/include_graph.h"
#include "build/unit/overlay.h"

/* An object that may be another one with the patch. */
struct unit_text {
	const struct unit_entry *entry; /* not owned */
	struct name_list command;       /* how kbuild makes it */
	bool same;
};

/*
 * Which of them read another text with the patch, besides what makes no code (text_digest.h)? Sets
 * `same`. The digests of the originals are kept in the kernel's cache; `graph` tells whether they
 * still hold. Errors: ERR_CHILD (the preprocessor's words), those of reading and writing.
 */
int unit_text_compare(const struct kbuild *kb, const struct overlay *overlay,
		      const struct include_graph *graph, struct unit_text *const *texts, size_t n,
		      struct error *err);

/* Of which of them is another object made, or other constants (a target that ends in ".s")? */
int unit_text_compare_objects(const struct kbuild *kb, const struct overlay *overlay,
			      struct unit_text *const *texts, size_t n, struct error *err);

/* kbuild's command ("… -c -o OBJECT SOURCE") with another output and without debugging data, which
 * would have the folder's name; with `text`, the preprocessor's call for it: text without marks of
 * lines. ERR_NO_MEMORY. */
int unit_text_arguments(const struct unit_text *unit, bool text, const char *output,
			struct name_list *ret);
