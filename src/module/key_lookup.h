/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel looks for in its keyrings when it checks a module's signature
 * (crypto/asymmetric_keys/pkcs7_trust.c, pkcs7_verify.c, pkcs7_parser.c, x509_cert_parser.c and
 * asymmetric_type.c of 6.1 and 6.12): an exact identifier, serial number and issuer of the
 * certificate or a subject key identifier. Two certificates of one key are two keys to it.
 *
 * From one certificate that a signature brings along to the next it goes by the authority key
 * identifier alone: issuer and serial number where that has them, else the key identifier. A signer
 * that the signature names by its key identifier is looked for in the keyrings only.
 */
#pragma once

#include <openssl/x509.h>

#include "module/signature.h"

/* The certificates of a chain, the key that its last one names, and the signer itself. */
#define KEY_LOOKUPS_MAX (SIGNATURE_CHAIN_MAX + 2)

struct key_lookup {
	char *id;     /* identifier, hexadecimal: what keyctl(2) finds as "ex:…" */
	char *key_id; /* the subject key identifier that the key found must have too; NULL: any */
	char *tbs;    /* of a certificate brought along: the hash, hexadecimal, by which .blacklist
			 may forbid it ("tbs:…"); else NULL */
	bool signer;  /* as the signature names who made it */
};

struct key_lookups {
	struct key_lookup items[KEY_LOOKUPS_MAX];
	size_t n;
};

void key_lookups_clear(struct key_lookups *lookups);
#define _cleanup_key_lookups_ _cleanup_(key_lookups_clear)

/*
 * For a signature, in the kernel's order: in each keyring the first that is found decides.
 * ERR_INVALID (the CMS), ERR_UNTRUSTED (a certificate names another key than that of its issuer,
 * which every kernel refuses), ERR_TOO_LARGE, ERR_NO_MEMORY. The caller clears.
 */
int key_lookup_signature(const struct signature_parts *parts, struct key_lookups *ret,
			 struct error *err);

/* For what is signed with that certificate (PEM) and brings no certificates along; behind it, if
 * another key has issued it, that one, which counts when the certificate is brought along. */
int key_lookup_certificate(const char *cert_pem, struct key_lookups *ret, struct error *err);

/* Does a certificate's authority key identifier lead a kernel to that issuer? */
bool key_lookup_names_issuer(X509 *issued, X509 *issuer);
