/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernels that a matrix's patterns mean. */
#pragma once

#include "lab/matrix/matrix_plan.h"

/*
 * Each once, those of one source tree together, newest first. apt is asked unless every pattern is
 * a release that is in the cache. The caller frees. ERR_NOT_FOUND: a pattern means none.
 */
int matrix_kernels_find(const struct name_list *patterns, struct matrix_kernel **ret, size_t *ret_n,
			struct error *err);
