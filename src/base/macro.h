/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small language helpers: scope-bound cleanup, handing over ownership, array sizes.
 *
 * Ownership follows one rule: a local that owns something is declared with one of the _cleanup_…
 * attributes, and TAKE_PTR() or TAKE_FD() hands it over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a)       (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)           ((a) < (b) ? (a) : (b))
#define MAX(a, b)           ((a) > (b) ? (a) : (b))

#define _cleanup_(f)        __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_            __attribute__((unused))
#define _warn_unused_       __attribute__((warn_unused_result))

/* Yields the pointer and leaves NULL behind: ownership moves to the reader of the expression. */
#define TAKE_PTR(p)                       \
	({                                \
		__typeof__(p) *p_ = &(p); \
		__typeof__(p) v_ = *p_;   \
		*p_ = NULL;               \
		v_;                       \
	})

/* Yields the descriptor and leaves -1 behind. */
#define TAKE_FD(fd)               \
	({                        \
		int *fd_ = &(fd); \
		int v_ = *fd_;    \
		*fd_ = -1;        \
		v_;               \
	})

/* Defines `static inline void NAMEp(TYPE *p)` for _cleanup_(NAMEp), where NAME takes a TYPE and
 * accepts NULL. */
#define DEFINE_CLEANUP(type, name)          \
	static inline void name##p(type *p) \
	{                                   \
		if (*p)                     \
			name(*p);           \
	}                                   \
	struct macro_semicolon_

static inline void freep(void *p)
{
	free(*(void **)p);
}

#define _cleanup_free_ _cleanup_(freep)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static inline bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && streq(s + n - m, suffix);
}
