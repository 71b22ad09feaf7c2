/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys in PEM files: public ones, and private ones that a passphrase protects. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "tuf/key_internal.h"

/* scrypt as OpenSSL's own default has it: 16 MB, about 50 ms a guess. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 1

DEFINE_CLEANUP(BIO *, BIO_free_all);
DEFINE_CLEANUP(X509_SIG *, X509_SIG_free);
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free);

bool tuf_key_pem_is_protected(const void *pem, size_t len)
{
	static const char pkcs8[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

	return memmem(pem, len, pkcs8, sizeof(pkcs8) - 1) != NULL;
}

/* pem_password_cb of OpenSSL: bytes without a zero, and their number. */
static int give_passphrase(char *buffer, int size, int rwflag, void *user)
{
	const char *passphrase = user;
	int len = 0;

	(void)rwflag;
	for (; passphrase[len] != '\0'; len++) {
		if (len >= size)
			return -1;
		buffer[len] = passphrase[len];
	}
	return len;
}

int tuf_key_from_protected_pem(const void *pem, size_t len, const char *passphrase,
			       struct tuf_key **ret, struct error *err)
{
	if (len == 0 || len > TUF_KEY_PEM_MAX || !tuf_key_pem_is_protected(pem, len))
		return error_set(err, ERR_INVALID, "key: not a PEM private key with a passphrase");

	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, (void *)passphrase)
		    : NULL;

	ERR_clear_error();
	if (!pkey)
		return error_set(err, ERR_DENIED, "key: the passphrase does not open it");
	return tuf_key_adopt(pkey, true, ret, err);
}

int tuf_key_from_public_pem(const void *pem, size_t len, struct tuf_key **ret, struct error *err)
{
	if (len == 0 || len > TUF_KEY_PEM_MAX)
		return error_set(err, ERR_INVALID, "key: not a PEM public key");

	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, give_passphrase, (void *)"") : NULL;

	ERR_clear_error();
	if (!pkey)
		return error_set(err, ERR_INVALID, "key: not a PEM public key");
	return tuf_key_adopt(pkey, false, ret, err);
}

int tuf_key_public_pem(const struct tuf_key *key, struct buf *out, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!bio || PEM_write_bio_PUBKEY(bio, key->pkey) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_NO_MEMORY, "key: OpenSSL could not write it");
	}
	len = BIO_get_mem_data(bio, &data);
	return buf_append(out, data, (size_t)len);
}

/* The private key under PBES2 with scrypt; NULL when OpenSSL cannot. */
static X509_SIG *protect(EVP_PKEY *pkey, const char *passphrase)
{
	_cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	X509_ALGOR *method = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N,
						   SCRYPT_R, SCRYPT_P);
	X509_SIG *sealed = NULL;

	if (info && method)
		sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, method);
	if (!sealed)
		X509_ALGOR_free(method);
	return sealed;
}

int tuf_key_protected_pem(const struct tuf_key *key, const char *passphrase, struct buf *out,
			  struct error *err)
{
	if (!key->has_private)
		return error_set(err, ERR_BAD_STATE, "key %.8s: the private part is not here",
				 key->id);

	_cleanup_(X509_SIG_freep) X509_SIG *sealed = protect(key->pkey, passphrase);
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!bio || !sealed || PEM_write_bio_PKCS8(bio, sealed) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_NO_MEMORY, "key: OpenSSL could not write it");
	}
	len = BIO_get_mem_data(bio, &data);
	return buf_append(out, data, (size_t)len);
}
