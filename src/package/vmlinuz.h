/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compressed kernel image that boots (bzImage), and the ELF file inside it. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define VMLINUZ_MAX (256 * 1024 * 1024)
#define VMLINUX_MAX (1024 * 1024 * 1024)

/*
 * Appends the ELF image packed in a bzImage to `out` (Documentation/arch/x86/boot.rst: the fields
 * setup_sects, payload_offset and payload_length; gzip, bzip2, lzma, xz, lz4 or zstd).
 * Errors: ERR_INVALID (not a bzImage, damaged), ERR_UNSUPPORTED (not x86-64, unknown compression),
 * ERR_TOO_LARGE (over out->max).
 */
int vmlinuz_unpack(const uint8_t *image, size_t len, struct buf *out, struct error *err);

/* Appends the decompressed bytes of one compressed file (a .ko.xz, say) to `out`. ERR_INVALID,
 * ERR_TOO_LARGE. */
int vmlinuz_decompress(const void *data, size_t len, struct buf *out, struct error *err);

/* The GNU build ID of an ELF image as lower-case digits (from its note sections or segments).
 * ERR_NOT_FOUND, ERR_INVALID. */
#define BUILD_ID_HEX_MAX 64
int vmlinuz_build_id(const uint8_t *elf, size_t len, char ret[static BUILD_ID_HEX_MAX + 1],
		     struct error *err);
