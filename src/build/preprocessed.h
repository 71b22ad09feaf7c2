/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing preprocessed C texts. */
#pragma once

#include "base/macro.h"

/*
 * Does the compiler make the same of both texts (as `-E -P` writes them)? They are the same, or
 * differ only in declarations without effect: static inline functions and prototypes of functions
 * whose names nothing else in the texts uses. When in doubt: false.
 */
bool preprocessed_same(const char *a, size_t a_len, const char *b, size_t b_len);
