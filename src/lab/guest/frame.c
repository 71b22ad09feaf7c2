// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/frame.h"

#include "base/error.h"

static const uint8_t magic[4] = { 'S', 'U', 'L', '1' };

size_t frame_reader_space(struct frame_reader *r, uint8_t **ret_space)
{
	if (r->start > 0) {
		memmove(r->data, r->data + r->start, r->len - r->start);
		r->len -= r->start;
		r->start = 0;
	}
	/* A whole frame never stays in the buffer, so half of it is free here at least: a caller
	 * that reads without asking for frames loses what it did not want. */
	if (r->len == sizeof(r->data)) {
		r->skipped += r->len;
		r->len = 0;
	}
	*ret_space = r->data + r->len;
	return sizeof(r->data) - r->len;
}

void frame_reader_added(struct frame_reader *r, size_t n)
{
	r->len += MIN(n, sizeof(r->data) - r->len);
}

/* Whether `n` bytes could begin a header: only what is there is judged. */
static bool header_is_plausible(const uint8_t *h, size_t n)
{
	if (memcmp(h, magic, MIN(n, sizeof(magic))) != 0)
		return false;
	if (n > 4 && (h[4] < 1 || h[4] > FRAME_TYPE_LAST))
		return false;
	for (size_t i = 5; i < MIN(n, (size_t)8); i++)
		if (h[i] != 0)
			return false;
	return n < FRAME_HEADER_LEN || frame_u32(h + 8) <= FRAME_PAYLOAD_MAX;
}

bool frame_reader_next(struct frame_reader *r, struct frame *ret)
{
	while (r->start < r->len) {
		const uint8_t *h = r->data + r->start;
		size_t n = r->len - r->start;

		if (!header_is_plausible(h, n)) {
			r->start++;
			r->skipped++;
			continue;
		}
		if (n < FRAME_HEADER_LEN)
			return false;
		size_t len = frame_u32(h + 8);

		if (n - FRAME_HEADER_LEN < len)
			return false;
		*ret = (struct frame){ .type = (enum frame_type)h[4],
				       .payload = h + FRAME_HEADER_LEN,
				       .len = len };
		r->start += FRAME_HEADER_LEN + len;
		return true;
	}
	return false;
}

bool frame_reader_is_partial(const struct frame_reader *r)
{
	return r->start < r->len;
}

void frame_reader_reset(struct frame_reader *r)
{
	r->start = r->len = 0;
}

int frame_append(struct buf *out, enum frame_type type, const void *payload, size_t len)
{
	uint8_t h[FRAME_HEADER_LEN] = { magic[0], magic[1], magic[2], magic[3], (uint8_t)type };

	if (len > FRAME_PAYLOAD_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < 4; i++)
		h[8 + i] = (uint8_t)(len >> (8 * i));
	int r = buf_reserve(out, sizeof(h) + len);

	if (r < 0)
		return r;
	r = buf_append(out, h, sizeof(h));
	return r < 0 || len == 0 ? r : buf_append(out, payload, len);
}

static int append_le(struct buf *payload, uint64_t value, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	return buf_append(payload, bytes, n);
}

int frame_append_u32(struct buf *payload, uint32_t value)
{
	return append_le(payload, value, 4);
}

int frame_append_u64(struct buf *payload, uint64_t value)
{
	return append_le(payload, value, 8);
}

uint32_t frame_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

uint64_t frame_u64(const uint8_t *bytes)
{
	return frame_u32(bytes) | (uint64_t)frame_u32(bytes + 4) << 32;
}

int frame_encode_run(uint32_t timeout_ms, uint32_t flags, const char *const *argv,
		     struct buf *payload)
{
	size_t argc = 0;
	int r = frame_append_u32(payload, timeout_ms);

	if (r == 0)
		r = frame_append_u32(payload, flags);
	for (; r == 0 && argv[argc]; argc++) {
		if (argc == FRAME_ARGS_MAX)
			return ERR_TOO_LARGE;
		r = buf_append(payload, argv[argc], strlen(argv[argc]) + 1);
	}
	if (r < 0)
		return r;
	if (payload->len > FRAME_PAYLOAD_MAX)
		return ERR_TOO_LARGE;
	return argc > 0 && argv[0][0] ? 0 : ERR_INVALID;
}

int frame_decode_run(const struct frame *frame, struct frame_run *ret)
{
	const uint8_t *p = frame->payload, *end = p + frame->len;

	if (frame->len < 10 || end[-1] != 0)
		return ERR_INVALID;
	ret->timeout_ms = frame_u32(p);
	ret->flags = frame_u32(p + 4);
	ret->argc = 0;
	for (p += 8; p < end; p += strlen((const char *)p) + 1) {
		if (ret->argc == FRAME_ARGS_MAX)
			return ERR_INVALID;
		ret->argv[ret->argc++] = (char *)p;
	}
	ret->argv[ret->argc] = NULL;
	return ret->argv[0][0] ? 0 : ERR_INVALID;
}

int frame_decode_path(const struct frame *frame, size_t skip, char ret[static FRAME_PATH_MAX + 1])
{
	if (frame->len < skip + 2 || frame->len - skip > FRAME_PATH_MAX)
		return ERR_INVALID;
	size_t len = frame->len - skip;
	const uint8_t *path = frame->payload + skip;

	if (path[0] != '/' || memchr(path, 0, len))
		return ERR_INVALID;
	memcpy(ret, path, len);
	ret[len] = 0;
	return 0;
}
