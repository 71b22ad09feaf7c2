/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include <stdio.h>

#include "base/error.h"

#define BUF_FIRST_CAP 256

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = 0;
}

int buf_reserve(struct buf *b, size_t extra)
{
	if (extra > b->max || b->len > b->max - extra)
		return ERR_TOO_LARGE;

	size_t need = b->len + extra;
	if (b->data && need <= b->cap)
		return 0;

	size_t cap =
		MAX(MAX(need, (size_t)BUF_FIRST_CAP), b->cap > SIZE_MAX / 2 ? need : b->cap * 2);
	cap = MAX(MIN(cap, b->max), need);
	if (cap == SIZE_MAX)
		return ERR_NO_MEMORY;
	uint8_t *data = realloc(b->data, cap + 1);
	if (!data)
		return ERR_NO_MEMORY;
	b->data = data;
	b->cap = cap;
	b->data[b->len] = 0;
	return 0;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
	int r = buf_reserve(b, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buf_append_str(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int buf_append_byte(struct buf *b, uint8_t byte)
{
	return buf_append(b, &byte, 1);
}

int buf_append_zero(struct buf *b, size_t n)
{
	int r = buf_reserve(b, n);

	if (r < 0)
		return r;
	memset(b->data + b->len, 0, n + 1);
	b->len += n;
	return 0;
}

int buf_align(struct buf *b, size_t align)
{
	size_t over = b->len & (align - 1);

	return over ? buf_append_zero(b, align - over) : 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int r = buf_vprintf(b, format, ap);
	va_end(ap);
	return r;
}

int buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0)
		return ERR_INVALID;

	int r = buf_reserve(b, (size_t)n);
	if (r < 0)
		return r;
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, ap);
	b->len += (size_t)n;
	return 0;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

int buf_append_percent(struct buf *b, const char *text, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t before = b->len;
	int r = 0;

	for (; r == 0 && *text; text++) {
		uint8_t c = (uint8_t)*text;
		const char coded[] = { '%', digits[c >> 4], digits[c & 15] };

		r = is_unreserved(*text) || strchr(keep, *text)
			    ? buf_append_byte(b, c)
			    : buf_append(b, coded, sizeof(coded));
	}
	if (r < 0 && b->data) {
		b->len = before;
		b->data[before] = 0;
	}
	return r;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

uint8_t *buf_take(struct buf *b, size_t *ret_len)
{
	if (!b->data && buf_reserve(b, 0) < 0)
		return NULL;
	if (ret_len)
		*ret_len = b->len;
	b->len = b->cap = 0;
	return TAKE_PTR(b->data);
}
