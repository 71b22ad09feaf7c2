/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of a command channel in pieces of a size that they name: the same frames come out whole. */
#include "lab/guest/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void decode(const struct frame *frame)
{
	char path[FRAME_PATH_MAX + 1];
	struct frame_run run;

	if (frame->len > FRAME_PAYLOAD_MAX)
		abort();
	if (frame_decode_run(frame, &run) == 0)
		for (size_t i = 0; i < run.argc; i++)
			if (strlen(run.argv[i]) >= frame->len)
				abort();
	if (frame_decode_path(frame, 8, path) == 0 && strlen(path) != frame->len - 8)
		abort();
}

/* How many frames there are when `step` bytes come at a time. */
static size_t count(const uint8_t *data, size_t len, size_t step)
{
	_cleanup_free_ struct frame_reader *r = calloc(1, sizeof(*r));
	size_t n = 0;

	for (size_t at = 0; r && at < len;) {
		struct frame frame;
		uint8_t *space;
		size_t piece = MIN(MIN(frame_reader_space(r, &space), step), len - at);

		memcpy(space, data + at, piece);
		frame_reader_added(r, piece);
		at += piece;
		for (; frame_reader_next(r, &frame); n++)
			decode(&frame);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 1 && count(data + 1, len - 1, 1u + data[0]) != count(data + 1, len - 1, SIZE_MAX))
		abort();
	return 0;
}
