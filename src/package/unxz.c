/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/unxz.h"

#include <lzma.h>
#include <unistd.h>

#define CHUNK       (256 * 1024)
#define THREADS_MAX 16

struct unxz {
	unxz_source_fn source;
	void *user;
	lzma_stream stream;
	bool at_end; /* of the packed bytes */
	bool done;
	uint8_t packed[CHUNK];
	uint8_t unpacked[CHUNK];
};

void unxz_free(struct unxz *x)
{
	if (!x)
		return;
	lzma_end(&x->stream);
	free(x);
}

int unxz_new(unxz_source_fn source, void *user, struct unxz **ret)
{
	static const lzma_stream empty = LZMA_STREAM_INIT;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	lzma_mt mt = {
		.flags = LZMA_CONCATENATED,
		.threads = (uint32_t)(cpus < 1 ? 1 : MIN(cpus, (long)THREADS_MAX)),
		.memlimit_threading = UNXZ_MEMORY_MAX,
		.memlimit_stop = UNXZ_MEMORY_MAX,
	};
	_cleanup_unxz_ struct unxz *x = malloc(sizeof(*x));

	if (!x)
		return ERR_NO_MEMORY;
	x->source = source;
	x->user = user;
	x->stream = empty;
	x->at_end = x->done = false;
	if (lzma_stream_decoder_mt(&x->stream, &mt) != LZMA_OK)
		return ERR_NO_MEMORY;
	*ret = TAKE_PTR(x);
	return 0;
}

static const char *reason(lzma_ret code)
{
	switch (code) {
	case LZMA_MEM_ERROR: return "out of memory";
	case LZMA_MEMLIMIT_ERROR: return "it needs too much memory to unpack";
	case LZMA_FORMAT_ERROR: return "not an xz file";
	case LZMA_BUF_ERROR: return "it ends too early";
	default: return "the xz data is damaged";
	}
}

static bool refill(struct unxz *x)
{
	ssize_t n = x->source(x->user, x->packed, sizeof(x->packed));

	if (n < 0)
		return false;
	x->at_end = n == 0;
	x->stream.next_in = x->packed;
	x->stream.avail_in = (size_t)n;
	return true;
}

ssize_t unxz_read(struct unxz *x, const void **ret, const char **ret_why)
{
	x->stream.next_out = x->unpacked;
	x->stream.avail_out = sizeof(x->unpacked);
	while (!x->done && x->stream.avail_out > 0) {
		if (x->stream.avail_in == 0 && !x->at_end && !refill(x)) {
			*ret_why = "it cannot be read";
			return -1;
		}

		lzma_ret code = lzma_code(&x->stream, x->at_end ? LZMA_FINISH : LZMA_RUN);

		x->done = code == LZMA_STREAM_END;
		if (code != LZMA_OK && code != LZMA_STREAM_END) {
			*ret_why = reason(code);
			return -1;
		}
	}
	*ret = x->unpacked;
	return (ssize_t)(sizeof(x->unpacked) - x->stream.avail_out);
}
