/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures appended to kernel modules, the kernel's own way (docs/formats.md, "Signed module";
 * kernel: scripts/sign-file.c, include/linux/module_signature.h, kernel/module/signing.c).
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "module/signature_support.h"

/* Largest CMS blob accepted behind a module. */
#define SIGNATURE_MAX       ((size_t)64 * 1024)

/* Certificates between the signer's and a trusted one that a signature may bring along, with the
 * signer's. */
#define SIGNATURE_CHAIN_MAX 4

/* In place of a time: dates are not looked at. No text of metadata can hold it: years begin with
 * 1970. */
#define SIGNATURE_ANY_TIME  INT64_C(-1)

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

/* With what a module is signed. Texts are PEM. */
struct signature_options {
	const char *key; /* without passphrase; it must belong to the certificate */
	const char *cert;
	/* NULL, or up to SIGNATURE_CHAIN_MAX - 1 certificates, each the issuer of the one before,
	 * the first of `cert`: they and `cert` go into the signature, so that who trusts the
	 * authority above them accepts it. Without it there are none inside, as in sign-file's. */
	const char *chain;
	enum signature_hash hash;
	/* What the kernel can check; NULL: not known, so only RSA with SHA-256. */
	const struct signature_support *support;
};

/*
 * Appends the module, its new signature and the trailer to `out`. A module signed already is
 * refused (ERR_EXISTS). ERR_UNSUPPORTED (what the kernel cannot check: certificate_classify(),
 * certificate_signed_with(), signature_support_check()), ERR_UNTRUSTED (a chain that
 * signature_verify() would refuse), ERR_INVALID (also a key that is not the certificate's),
 * ERR_NO_MEMORY.
 */
int signature_sign_with(const void *module, size_t len, const struct signature_options *options,
			struct buf *out, struct error *err);

/* The same with an RSA key and SHA-256. */
int signature_sign(const void *module, size_t len, const char *key_pem, const char *cert_pem,
		   struct buf *out, struct error *err);

/* Who signed, for a person and for the kernel's keyring. */
struct signature_signer {
	char subject[256];  /* of the certificate */
	char anchor[256];   /* of the trusted certificate that vouches for it; itself, or the end of
			     its chain */
	char serial[128];   /* hexadecimal */
	char key_id[129];   /* subject key identifier, hexadecimal; "" when the certificate has none
			     */
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
	enum signature_hash hash;
};

/* What a certificate (PEM) says of itself, as if it had signed: `anchor` is itself, `hash` means
 * nothing. ERR_INVALID. */
int signature_describe_cert(const char *pem, struct signature_signer *ret, struct error *err);

/*
 * Verifies a signed module against trusted certificates (PEM, one or more each). It must be signed
 * with the key of one of them, or with that of a certificate that the signature brings along and
 * from which a chain leads to one of them. All certificates on the way must have been valid at
 * `time` (seconds since 1970, the signed publication time; or SIGNATURE_ANY_TIME). Old and new
 * certificates may be trusted at once. `ret` may be NULL.
 * ERR_SIGNATURE   not signed, or the signature does not fit the bytes
 * ERR_UNTRUSTED   signed by none of the certificates, and no chain leads to one
 * ERR_UNSUPPORTED by a key, or with a chain, that no kernel can check (certificate_classify())
 * ERR_EXPIRED     a certificate was not valid at `time`
 * ERR_INVALID     damaged trailer or CMS
 */
int signature_verify(const void *data, size_t len, const char *const *certs_pem, size_t n_certs,
		     int64_t time, struct signature_signer *ret, struct error *err);
