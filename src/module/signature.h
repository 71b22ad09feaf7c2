/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures appended to kernel modules, the kernel's own way (docs/formats.md, "Signed module";
 * kernel: scripts/sign-file.c, include/linux/module_signature.h, kernel/module/signing.c).
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* Largest CMS blob accepted behind a module. */
#define SIGNATURE_MAX ((size_t)64 * 1024)

/* A signed module taken apart; points into the caller's bytes. `signature` NULL: not signed. */
struct signature_parts {
	const uint8_t *module;
	size_t module_len;
	const uint8_t *signature; /* DER CMS */
	size_t signature_len;
};

/* Splits module and signature with every length checked. A file without the final marker is an
 * unsigned module (0, signature NULL). ERR_INVALID when the trailer is damaged. */
int signature_split(const void *data, size_t len, struct signature_parts *ret, struct error *err);

/*
 * Appends the module, its new signature and the trailer to `out`. `key` and `cert` are PEM; the key
 * must belong to the certificate. SHA-256. An RSA key of at least 2048 bits is demanded: it is what
 * every kernel with module signatures accepts. A module signed already is refused (ERR_EXISTS).
 * ERR_INVALID (also a key that is not the certificate's), ERR_UNSUPPORTED, ERR_NO_MEMORY.
 */
int signature_sign(const void *module, size_t len, const char *key_pem, const char *cert_pem,
		   struct buf *out, struct error *err);

/* Who signed, for a person and for the kernel's keyring. */
struct signature_signer {
	char subject[256];  /* of the certificate */
	char serial[128];   /* hexadecimal */
	char key_id[129];   /* subject key identifier, hexadecimal; "" when the certificate has none
			     */
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
};

/*
 * Verifies a signed module against trusted certificates (PEM, one or more each): signed with the
 * key of one of them, which must have been valid at `time` (seconds since 1970, the signed
 * publication time; 0: dates are not looked at). No chain is built: each certificate is trusted by
 * itself, as in the kernel's keyring. `ret` may be NULL. ERR_SIGNATURE  not signed, or the
 * signature does not fit the bytes ERR_UNTRUSTED  signed by none of the certificates ERR_EXPIRED
 * the certificate was not valid at `time` ERR_INVALID    damaged trailer or CMS
 */
int signature_verify(const void *data, size_t len, const char *const *certs_pem, size_t n_certs,
		     int64_t time, struct signature_signer *ret, struct error *err);

/*
 * Makes a self-signed certificate for module signing: CA:FALSE, digitalSignature, extended key
 * usage codeSigning, subject and authority key identifiers. `days` from now. PEM into `out`.
 */
int signature_make_cert(const char *key_pem, const char *name, int64_t not_before, unsigned days,
			struct buf *out, struct error *err);
