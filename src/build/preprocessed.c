/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/preprocessed.h"

bool preprocessed_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}
