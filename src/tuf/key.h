/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys and signatures of TUF metadata (TUF 1.0.34 section 4.2): Ed25519, ECDSA on P-256 with
 * SHA-256, RSA-PSS with SHA-256 (2048 to 4096 bits).
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

#define TUF_KEY_PEM_MAX ((size_t)16 * 1024)
#define TUF_SIG_MAX     ((size_t)1024) /* bytes of a raw signature */

enum tuf_key_type { TUF_KEY_ED25519, TUF_KEY_ECDSA_P256, TUF_KEY_RSA };

struct tuf_key;

/* Makes a new key pair; `bits` for RSA only (0: 3072). ERR_NO_MEMORY, ERR_INVALID. */
int tuf_key_generate(enum tuf_key_type type, unsigned bits, struct tuf_key **ret,
		     struct error *err);
/* A private key from PEM (PKCS#8). ERR_INVALID, ERR_UNSUPPORTED. */
int tuf_key_from_private_pem(const void *pem, size_t len, struct tuf_key **ret, struct error *err);
/*
 * The same from PEM that a passphrase protects (PKCS#8). ERR_DENIED when the passphrase does not
 * open it.
 */
int tuf_key_from_protected_pem(const void *pem, size_t len, const char *passphrase,
			       struct tuf_key **ret, struct error *err);
/* Is it PEM of a private key that a passphrase protects? */
bool tuf_key_pem_is_protected(const void *pem, size_t len);
/* A public key from PEM ("PUBLIC KEY"); what else the text holds is passed over. ERR_INVALID,
 * ERR_UNSUPPORTED. */
int tuf_key_from_public_pem(const void *pem, size_t len, struct tuf_key **ret, struct error *err);
/*
 * A private key that stays in a token (PKCS#11, RFC 7512 URI), P-256 or RSA, through OpenSSL's
 * engine "pkcs11". `module` is the token's library, NULL for the one of p11-kit; `pin` may be NULL
 * (the token asks for none). One library a process. ERR_UNSUPPORTED (no engine, or another kind of
 * key), ERR_DENIED (the token says that the PIN is wrong, and may count such tries), ERR_NOT_FOUND
 * (no such key, or one that is hidden without a PIN).
 */
int tuf_key_from_pkcs11(const char *uri, const char *module, const char *pin, struct tuf_key **ret,
			struct error *err);
/* Appends the public key as PEM. */
int tuf_key_public_pem(const struct tuf_key *key, struct buf *out, struct error *err);
/* Appends the private key as PEM PKCS#8, protected by a passphrase (AES-256, scrypt). ERR_BAD_STATE
 * for a public key. */
int tuf_key_protected_pem(const struct tuf_key *key, const char *passphrase, struct buf *out,
			  struct error *err);
/* Appends the private key as PEM PKCS#8. The caller wipes the buffer. ERR_BAD_STATE for a public
 * key.
 */
int tuf_key_private_pem(const struct tuf_key *key, struct buf *out, struct error *err);

/* A public key from its metadata form. ERR_INVALID; ERR_UNSUPPORTED for a key type or scheme that
 * this library does not verify. The object is copied with its unknown fields. */
int tuf_key_from_json(const json_t *object, struct tuf_key **ret, struct error *err);
/* The public part as metadata has it; a new reference, NULL without memory. */
json_t *tuf_key_to_json(const struct tuf_key *key);

void tuf_key_free(struct tuf_key *key);
DEFINE_CLEANUP(struct tuf_key *, tuf_key_free);
#define _cleanup_tuf_key_ _cleanup_(tuf_key_freep)

/* The key ID: SHA-256 of the canonical form of the metadata object, 64 digits; belongs to the key.
 */
const char *tuf_key_id(const struct tuf_key *key);
enum tuf_key_type tuf_key_type(const struct tuf_key *key);
const char *tuf_key_type_name(enum tuf_key_type type); /* "ed25519", "ecdsa-p256", "rsa" */
/* ERR_NOT_FOUND for an unknown name. */
int tuf_key_type_parse(const char *name, enum tuf_key_type *ret);
bool tuf_key_has_private(const struct tuf_key *key);
/* True when both hold the same public key, whatever their key IDs. */
bool tuf_key_same(const struct tuf_key *a, const struct tuf_key *b);

/* Appends the raw signature of `data`. ERR_BAD_STATE for a public key. */
int tuf_key_sign(const struct tuf_key *key, const void *data, size_t len, struct buf *out,
		 struct error *err);
/* 0, or ERR_SIGNATURE. */
int tuf_key_verify(const struct tuf_key *key, const void *data, size_t len, const void *sig,
		   size_t sig_len);
