/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hash.h"

#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/file.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free);

int hash_sha256(const void *data, size_t len, uint8_t ret[static SHA256_LEN])
{
	unsigned int n = 0;

	if (EVP_Digest(data, len, ret, &n, EVP_sha256(), NULL) != 1 || n != SHA256_LEN)
		return ERR_NO_MEMORY;
	return 0;
}

int hash_sha256_hex(const void *data, size_t len, char ret[static SHA256_HEX_LEN + 1])
{
	uint8_t digest[SHA256_LEN];
	int r = hash_sha256(data, len, digest);

	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), ret);
	return 0;
}

int hash_sha256_file(const char *path, char ret[static SHA256_HEX_LEN + 1], struct error *err)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t block[64 * 1024], digest[SHA256_LEN];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID, "%s: not a regular file", path);
	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return error_set(err, ERR_NO_MEMORY, "%s: no memory to hash", path);
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "%s", path);
		EVP_DigestUpdate(ctx, block, (size_t)n);
	}
	if (EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		return error_set(err, ERR_NO_MEMORY, "%s: hashing failed", path);
	hex_encode(digest, sizeof(digest), ret);
	return 0;
}

void hex_encode(const void *data, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *text, size_t len, uint8_t *ret)
{
	if (strlen(text) != 2 * len)
		return ERR_INVALID;
	for (size_t i = 0; i < len; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return ERR_INVALID;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

bool hex_is_lower(const char *text, size_t digits)
{
	return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

int random_bytes(void *ret, size_t len, struct error *err)
{
	uint8_t *p = ret;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno != EINTR)
			return error_set_errno(err, errno, "cannot get random bytes");
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}
