/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and X.509 certificates of module signatures, over OpenSSL (RFC 5280; kernel:
 * crypto/asymmetric_keys/, crypto/rsa.c, crypto/ecdsa.c of 6.1 and 6.12).
 */
#pragma once

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/error.h"
#include "module/signature_support.h"

DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);

static inline void certificate_list_free(STACK_OF(X509) * *list)
{
	sk_X509_pop_free(*list, X509_free);
}
#define _cleanup_certificates_ _cleanup_(certificate_list_free)

/*
 * Is that a key whose signatures a kernel can check? RSA of 2048, 3072 or 4096 bits (the kernel
 * knows no other sizes from 2048 on), ECDSA on P-256 or P-384. ERR_UNSUPPORTED, with the reason.
 */
int certificate_classify(const EVP_PKEY *key, enum signature_algorithm *ret, struct error *err);

/* The hash that OpenSSL numbers so; false for one that is not of SHA-2's three. */
bool certificate_hash(int nid, enum signature_hash *ret);

/*
 * With what its issuer has signed a certificate: RSA, or ECDSA on whatever curve (P-256 is what is
 * said), and the hash. ERR_UNSUPPORTED, in words, for what the kernels here cannot read or check:
 * SHA-1 and weaker, SHA-3, RSA-PSS, EdDSA.
 */
int certificate_signed_with(X509 *cert, enum signature_algorithm *ret_algorithm,
			    enum signature_hash *ret_hash, struct error *err);

/* A PEM private key without passphrase. The caller frees. ERR_INVALID. */
int certificate_read_key(const char *pem, EVP_PKEY **ret, struct error *err);
/* The first certificate of a PEM text. The caller frees. ERR_INVALID. */
int certificate_read(const char *pem, X509 **ret, struct error *err);
/* Adds all certificates of a PEM text to a list; `what` names them in messages. ERR_INVALID when
 * there is none, or a damaged one. */
int certificate_read_all(const char *pem, const char *what, STACK_OF(X509) * list,
			 struct error *err);

/* Seconds since 1970; -1 for what is no time. */
int64_t certificate_time(const ASN1_TIME *t);
/* "/CN=…", cut to `size`. */
void certificate_subject(const X509 *cert, char *ret, size_t size);

/* A key identifier in hexadecimal; "" for none (NULL), and for one that does not fit. */
void certificate_octets(const ASN1_OCTET_STRING *octets, char *ret, size_t size);
/* The subject key identifier of a certificate, so. */
void certificate_key_id(X509 *cert, char *ret, size_t size);

/* ERR_EXPIRED unless the certificate was valid at `time` (seconds since 1970, both ends included;
 * SIGNATURE_ANY_TIME: always). */
int certificate_check_time(const X509 *cert, int64_t time, struct error *err);

/*
 * Does a chain lead from `cert` by way of `others` to one of `trusted`? The first must be for
 * signing code (digitalSignature, codeSigning), each other one, the trusted one too, an authority
 * (CA:TRUE). All have keys that certificate_classify() takes, all but the trusted one signatures
 * that certificate_signed_with() takes, and all were valid at `time`, or SIGNATURE_ANY_TIME. The
 * trusted one need not be self-signed. `ret_anchor` (may be NULL) is the trusted one, and belongs
 * to `trusted`. ERR_EXPIRED, ERR_UNTRUSTED, ERR_UNSUPPORTED, ERR_NO_MEMORY.
 */
int certificate_check_chain(X509 *cert, STACK_OF(X509) * others, STACK_OF(X509) * trusted,
			    int64_t time, X509 **ret_anchor, struct error *err);

/*
 * Makes a self-signed certificate for module signing: CA:FALSE, digitalSignature, extended key
 * usage codeSigning, subject and authority key identifiers. Valid for `days` from `not_before`.
 * PEM into `out`. ERR_INVALID, ERR_UNSUPPORTED (the key).
 */
int certificate_make(const char *key_pem, const char *name, int64_t not_before, unsigned days,
		     struct buf *out, struct error *err);
