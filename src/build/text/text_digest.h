/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One number for all preprocessed texts that the compiler makes the same code of, as far as that is
 * plain to see: texts that differ in nothing but white space, and in declarations that nothing
 * refers to.
 *
 * Such declarations are prototypes and `extern` objects, `struct TAG;`, and `static inline`
 * functions (c_declaration.h) whose names occur in nothing that stays: neither as words nor in
 * strings, where assembler and attributes name functions. What refers to them only from such
 * functions counts as little as these. All that stays must be there, in the same order.
 *
 * Whatever is not fully understood stays, or the whole text counts as it is: a wrong "other" costs
 * a compilation, a wrong "same" leaves a file unpatched.
 */
#pragma once

#include "base/hash.h"

/* For a text that a C compiler reads which drops what is not used (-O1 and more; no -fkeep-…).
 * Takes time linear in `len` and at most 64 bytes of memory for each of up to C_TEXT_MAX. Errors:
 * ERR_NO_MEMORY. */
int text_digest_code(const char *text, size_t len, char ret[static SHA256_HEX_LEN + 1]);

/* For any other: of its bytes. */
int text_digest_plain(const char *text, size_t len, char ret[static SHA256_HEX_LEN + 1]);
