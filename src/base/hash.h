/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 and hexadecimal text. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define SHA256_LEN     32
#define SHA256_HEX_LEN 64

/* SHA-256 (FIPS 180-4) of `len` bytes. Fails only when libcrypto cannot allocate (ERR_NO_MEMORY).
 */
int hash_sha256(const void *data, size_t len, uint8_t ret[static SHA256_LEN]);
/* The same as 64 lower-case hexadecimal digits and a zero. */
int hash_sha256_hex(const void *data, size_t len, char ret[static SHA256_HEX_LEN + 1]);
/* SHA-256 of a regular file of any size. */
int hash_sha256_file(const char *path, char ret[static SHA256_HEX_LEN + 1], struct error *err);

/* Writes 2 × len lower-case digits and a zero. */
void hex_encode(const void *data, size_t len, char *ret);
/* Decodes exactly 2 × len digits (either case); ERR_INVALID when text is shorter, longer or not
 * hex. */
int hex_decode(const char *text, size_t len, uint8_t *ret);
/* True for exactly `digits` lower-case hexadecimal digits. */
bool hex_is_lower(const char *text, size_t digits);
/* `len` bytes from the kernel's random source. */
int random_bytes(void *ret, size_t len, struct error *err);
