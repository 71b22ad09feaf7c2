/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is freed all at once: many small pieces with one owner and one end, such as the
 * sections, symbols and strings of an ELF object. Pieces never move.
 */
#pragma once

#include "base/macro.h"

struct arena;

/* An arena that hands out at most `max` bytes. NULL without memory. */
struct arena *arena_new(size_t max);
/* Frees every piece; takes NULL. */
void arena_free(struct arena *arena);
DEFINE_CLEANUP(struct arena *, arena_free);
#define _cleanup_arena_ _cleanup_(arena_freep)

/* `count` × `size` zero bytes, aligned for any type; never NULL for zero bytes. NULL when memory or
 * the maximum is exhausted, or the product overflows. */
void *arena_alloc(struct arena *arena, size_t count, size_t size) _warn_unused_;
/* One zeroed object of a type. */
#define arena_new_object(arena, type) ((type *)arena_alloc(arena, 1, sizeof(type)))

/* Copies; NULL without memory. arena_strndup() stops at a zero byte and always terminates. */
void *arena_memdup(struct arena *arena, const void *data, size_t len) _warn_unused_;
char *arena_strdup(struct arena *arena, const char *s) _warn_unused_;
char *arena_strndup(struct arena *arena, const char *s, size_t max) _warn_unused_;
char *arena_printf(struct arena *arena, const char *format, ...) _printf_(2, 3) _warn_unused_;
