/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Growable arrays of any type: `VEC(struct atom *) atoms = {0};`, VEC_PUSH(), vec.items[i]. Zeroed
 * is empty; free(vec.items) frees it.
 */
#pragma once

#include "base/error.h"

#define VEC(type)                  \
	struct {                   \
		type *items;       \
		size_t count, cap; \
	}

/* Makes room for one more item of `size` bytes; 0 or ERR_NO_MEMORY with nothing changed. */
static inline int vec_grow(void **items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return 0;
	size_t n = *cap ? *cap * 2 : 16;
	void *p = reallocarray(*items, n, size);
	if (!p)
		return ERR_NO_MEMORY;
	*items = p;
	*cap = n;
	return 0;
}

/* Appends an item; 0 or ERR_NO_MEMORY. */
#define VEC_PUSH(v, item)                                                        \
	({                                                                       \
		__typeof__(v) v_ = (v);                                          \
		void *p_ = v_->items;                                            \
		int e_ = vec_grow(&p_, v_->count, &v_->cap, sizeof(*v_->items)); \
		v_->items = p_;                                                  \
		if (e_ == 0)                                                     \
			v_->items[v_->count++] = (item);                         \
		e_;                                                              \
	})
