/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CMS blob of a module signature (RFC 5652), in exactly the form that the kernel's tools write.
 */
#pragma once

#include <openssl/cms.h>

#include "module/certificate.h"
#include "module/signature.h"

DEFINE_CLEANUP(CMS_ContentInfo *, CMS_ContentInfo_free);

/*
 * One detached signature without attributes, with a hash of SHA-2, and at most
 * SIGNATURE_CHAIN_MAX certificates. `ret_signer` belongs to the blob. ERR_INVALID,
 * ERR_UNSUPPORTED.
 */
int cms_parse(const struct signature_parts *parts, CMS_ContentInfo **ret,
	      CMS_SignerInfo **ret_signer, struct error *err);

/* Signs; `chain` (may be NULL or empty) goes into the blob, after the signer's certificate. */
int cms_make(const void *module, size_t len, EVP_PKEY *key, X509 *cert, STACK_OF(X509) * chain,
	     const EVP_MD *hash, struct buf *out, struct error *err);

/*
 * Is the blob, byte for byte, what cms_make() would make of its certificates and its signature
 * value? The signature covers the module and nothing of the blob around it: versions, content type
 * and algorithm parameters could be changed and OpenSSL would not mind, though a kernel might. The
 * signer may also be named by its key identifier, as `sign-file -k` does.
 */
bool cms_has_exact_form(CMS_ContentInfo *cms, CMS_SignerInfo *info, X509 *cert,
			const struct signature_parts *parts);

/* Does the signature fit the module and the certificate's key? Dates are not looked at. */
bool cms_fits(CMS_ContentInfo *cms, X509 *cert, const struct signature_parts *parts);
