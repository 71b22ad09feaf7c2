/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#define SALT_LEN      16
#define KEY_LEN       32
#define SCRYPT_N      32768
#define SCRYPT_R      8
#define SCRYPT_P      1
#define SCRYPT_MEMORY (64 * 1024 * 1024)

int secret_new(char ret[static SECRET_TEXT_LEN + 1], struct error *err)
{
	uint8_t bytes[32];
	unsigned char text[48];
	int r = random_bytes(bytes, sizeof(bytes), err);

	if (r < 0)
		return r;
	EVP_EncodeBlock(text, bytes, sizeof(bytes));
	for (size_t i = 0; i < SECRET_TEXT_LEN; i++) {
		char c = (char)text[i];

		ret[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
	}
	ret[SECRET_TEXT_LEN] = 0;
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return 0;
}

static int derive(const char *password, const uint8_t salt[static SALT_LEN],
		  uint8_t ret[static KEY_LEN], struct error *err)
{
	if (EVP_PBE_scrypt(password, strlen(password), salt, SALT_LEN, SCRYPT_N, SCRYPT_R, SCRYPT_P,
			   SCRYPT_MEMORY, ret, KEY_LEN) != 1)
		return error_set(err, ERR_NO_MEMORY, "password: out of memory");
	return 0;
}

int password_hash(const char *password, char ret[static PASSWORD_HASH_MAX], struct error *err)
{
	char salt_text[2 * SALT_LEN + 1], key_text[2 * KEY_LEN + 1];
	uint8_t salt[SALT_LEN], key[KEY_LEN];
	int r = random_bytes(salt, sizeof(salt), err);

	if (r == 0)
		r = derive(password, salt, key, err);
	if (r < 0)
		return r;
	hex_encode(salt, sizeof(salt), salt_text);
	hex_encode(key, sizeof(key), key_text);
	snprintf(ret, PASSWORD_HASH_MAX, "scrypt$%d$%d$%d$%s$%s", SCRYPT_N, SCRYPT_R, SCRYPT_P,
		 salt_text, key_text);
	explicit_bzero(key, sizeof(key));
	return 0;
}

int password_check(const char *password, const char *hash, struct error *err)
{
	char prefix[64], salt_text[2 * SALT_LEN + 1];
	uint8_t salt[SALT_LEN], wanted[KEY_LEN], key[KEY_LEN];
	int n = snprintf(prefix, sizeof(prefix), "scrypt$%d$%d$%d$", SCRYPT_N, SCRYPT_R, SCRYPT_P);
	const char *rest = hash + n;
	int r;

	if (!str_has_prefix(hash, prefix) ||
	    strlen(rest) != (size_t)(2 * SALT_LEN + 1 + 2 * KEY_LEN) || rest[2 * SALT_LEN] != '$')
		return error_set(err, ERR_INVALID, "password: the stored hash is not readable");
	memcpy(salt_text, rest, 2 * SALT_LEN);
	salt_text[2 * SALT_LEN] = 0;
	if (hex_decode(salt_text, SALT_LEN, salt) < 0 ||
	    hex_decode(rest + 2 * SALT_LEN + 1, KEY_LEN, wanted) < 0)
		return error_set(err, ERR_INVALID, "password: the stored hash is not readable");
	r = derive(password, salt, key, err);
	if (r < 0)
		return r;
	r = CRYPTO_memcmp(key, wanted, KEY_LEN) == 0 ? 0 : ERR_DENIED;
	explicit_bzero(key, sizeof(key));
	return r < 0 ? error_set(err, r, "user or password is wrong") : 0;
}

int password_check_nobody(const char *password, struct error *err)
{
	static const uint8_t salt[SALT_LEN];
	uint8_t key[KEY_LEN];
	int r = derive(password, salt, key, err);

	explicit_bzero(key, sizeof(key));
	return r < 0 ? r : error_set(err, ERR_DENIED, "user or password is wrong");
}
