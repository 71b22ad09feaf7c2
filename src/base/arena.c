/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#define ARENA_ALIGN _Alignof(max_align_t)
/* With the address sanitizer every piece is a block, so that reading past its end is seen. */
#ifdef __SANITIZE_ADDRESS__
#define BLOCK_SIZE ((size_t)1)
#else
#define BLOCK_SIZE ((size_t)64 << 10)
#endif

/* Blocks form a list with the one in use at its head. */
struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct block *blocks;
	size_t used, max;
};

struct arena *arena_new(size_t max)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->max = max;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct block *b = arena->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

/* A large piece gets a block of its own, behind the head, so that the head's rest is not lost. */
static struct block *add_block(struct arena *arena, size_t len)
{
	size_t size = MAX(len, BLOCK_SIZE);
	struct block *b = calloc(1, sizeof(*b) + size);

	if (!b)
		return NULL;
	b->size = size;
	if (len >= BLOCK_SIZE && arena->blocks) {
		b->next = arena->blocks->next;
		arena->blocks->next = b;
	} else {
		b->next = arena->blocks;
		arena->blocks = b;
	}
	return b;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(count, size, &len) || len > SIZE_MAX / 2)
		return NULL;
	len = (MAX(len, (size_t)1) + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	if (len > arena->max - arena->used)
		return NULL;
	struct block *b = arena->blocks;
	if (!b || len > b->size - b->used)
		b = add_block(arena, len);
	if (!b)
		return NULL;
	void *p = b->data + b->used;
	b->used += len;
	arena->used += len;
	return p;
}

void *arena_memdup(struct arena *arena, const void *data, size_t len)
{
	void *p = arena_alloc(arena, len, 1);

	if (p && len > 0)
		memcpy(p, data, len);
	return p;
}

char *arena_strndup(struct arena *arena, const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *p = arena_alloc(arena, len + 1, 1);

	if (p)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	char *p = arena_alloc(arena, (size_t)len + 1, 1);
	if (!p)
		return NULL;
	va_start(ap, format);
	vsnprintf(p, (size_t)len + 1, format, ap);
	va_end(ap);
	return p;
}
