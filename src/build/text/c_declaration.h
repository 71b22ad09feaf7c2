/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Declarations at the top of a preprocessed C text that make the compiler do nothing unless
 * something else refers to them: prototypes, `extern` objects, names of structures, and `static
 * inline` functions. Only those of the plainest form are known as such.
 */
#pragma once

#include "build/text/c_token.h"
#include "build/text/word_table.h"

/* A declaration: its tokens, and what it declares if it is such a one. */
struct c_declaration {
	uint32_t start, end; /* numbers of the first token and of that behind the last */
	bool idle;           /* it is one */
};

/* A name that an idle declaration, or one within its body, declares. */
struct c_declared {
	uint32_t token;
	uint32_t declaration;
};

struct c_declarations {
	VEC(struct c_declaration) list;
	VEC(struct c_declared) names; /* sorted by declaration */
};

void c_declarations_free(struct c_declarations *declarations);
#define _cleanup_c_declarations_ _cleanup_(c_declarations_free)

/* Cuts a text at its top level. ERR_INVALID: not understood; ERR_NO_MEMORY, ERR_TOO_LARGE. */
int c_declarations_read(const struct c_tokens *tokens, struct c_declarations *ret);
