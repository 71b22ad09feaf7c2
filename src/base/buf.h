/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growable run of bytes with a maximum. Everything that grows with outside input is one of these,
 * so that nothing grows without a bound.
 */
#pragma once

#include <stdarg.h>

#include "base/macro.h"

/* `data` is always followed by a zero byte that `len` does not count (NULL while nothing was put
 * in). */
struct buf {
	uint8_t *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated, less one */
	size_t max; /* most that `len` may become */
};

/* An empty buffer that may hold up to `max` bytes. Owns nothing until something is put in. */
#define BUF_INIT(max_) ((struct buf){ .max = (max_) })

/* Frees the bytes; the buffer is empty and usable again with the same maximum. */
void buf_free(struct buf *b);
#define _cleanup_buf_ _cleanup_(buf_free)

/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *b);

/* Makes room for `extra` more bytes. ERR_TOO_LARGE over the maximum, ERR_NO_MEMORY. On failure
 * nothing has changed; the same holds for all that follow. */
int buf_reserve(struct buf *b, size_t extra) _warn_unused_;
int buf_append(struct buf *b, const void *data, size_t len) _warn_unused_;
int buf_append_str(struct buf *b, const char *s) _warn_unused_;
int buf_append_byte(struct buf *b, uint8_t byte) _warn_unused_;
/* Appends `n` zero bytes. */
int buf_append_zero(struct buf *b, size_t n) _warn_unused_;
/* Zero-pads until the length is a multiple of `align` (a power of two). */
int buf_align(struct buf *b, size_t align) _warn_unused_;
int buf_printf(struct buf *b, const char *format, ...) _printf_(2, 3) _warn_unused_;
int buf_vprintf(struct buf *b, const char *format, va_list ap) _printf_(2, 0) _warn_unused_;
/* Percent-encodes all but the unreserved characters of RFC 3986 (section 2.3) and those in `keep`.
 */
int buf_append_percent(struct buf *b, const char *text, const char *keep) _warn_unused_;

/* The content as a string ("" when empty); owned by the buffer, valid until it next changes. */
const char *buf_str(const struct buf *b);

/* Hands the bytes over to the caller, who frees them; the buffer is empty afterwards. Never NULL
 * except when memory is exhausted. `ret_len` may be NULL. */
uint8_t *buf_take(struct buf *b, size_t *ret_len);
