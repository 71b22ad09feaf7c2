/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several fuzz targets need: two inputs out of one, and an input as a file. */
#pragma once

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct fuzz_pair {
	const uint8_t *a, *b;
	size_t a_len, b_len;
};

/* Four bytes, little-endian, say how long the first of two inputs is; the rest is the second. */
static inline bool fuzz_split(const uint8_t *data, size_t len, struct fuzz_pair *ret)
{
	if (len < 4)
		return false;
	size_t n = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 |
		   (size_t)data[3] << 24;

	n = MIN(n, len - 4);
	*ret = (struct fuzz_pair){ data + 4, data + 4 + n, n, len - 4 - n };
	return true;
}

/* A file in memory that holds the input; its path through `path`. The caller closes it. */
static inline int fuzz_file(const uint8_t *data, size_t len, char path[static 64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (len > 0 && write(fd, data, len) != (ssize_t)len))
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}
