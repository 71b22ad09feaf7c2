/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/cms.h"

#include <openssl/err.h>

/* As scripts/sign-file.c has them: detached, no attributes, no certificates but those given. */
#define FLAGS        (CMS_NOCERTS | CMS_BINARY)
#define SIGNER_FLAGS (FLAGS | CMS_NOSMIMECAP | CMS_NOATTR)

static CMS_ContentInfo *new_blob(void)
{
	return CMS_sign(NULL, NULL, NULL, NULL, FLAGS | CMS_PARTIAL | CMS_DETACHED | CMS_STREAM);
}

static bool is_sha2(const CMS_SignerInfo *signer)
{
	X509_ALGOR *digest;

	CMS_SignerInfo_get0_algs((CMS_SignerInfo *)signer, NULL, NULL, &digest, NULL);
	return certificate_hash(OBJ_obj2nid(digest->algorithm), &(enum signature_hash){ 0 });
}

int cms_parse(const struct signature_parts *parts, CMS_ContentInfo **ret,
	      CMS_SignerInfo **ret_signer, struct error *err)
{
	const uint8_t *p = parts->signature;
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms =
		d2i_CMS_ContentInfo(NULL, &p, (long)parts->signature_len);
	_cleanup_certificates_ STACK_OF(X509) *certs = NULL;
	STACK_OF(CMS_SignerInfo) * signers;
	CMS_SignerInfo *signer;

	ERR_clear_error();
	if (!cms || p != parts->signature + parts->signature_len ||
	    OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		return error_set(err, ERR_INVALID, "module signature: damaged");
	signers = CMS_get0_SignerInfos(cms);
	if (CMS_is_detached(cms) != 1 || sk_CMS_SignerInfo_num(signers) != 1)
		return error_set(err, ERR_INVALID, "module signature: not one detached signature");
	signer = sk_CMS_SignerInfo_value(signers, 0);
	if (CMS_signed_get_attr_count(signer) >= 0)
		return error_set(err, ERR_INVALID, "module signature: has signed attributes");
	if (!is_sha2(signer))
		return error_set(err, ERR_UNSUPPORTED, "module signature: its hash is not SHA-2");
	certs = CMS_get1_certs(cms);
	ERR_clear_error();
	if (sk_X509_num(certs) > SIGNATURE_CHAIN_MAX)
		return error_set(err, ERR_INVALID, "module signature: more than %d certificates",
				 SIGNATURE_CHAIN_MAX);
	*ret = TAKE_PTR(cms);
	*ret_signer = signer;
	return 0;
}

static bool add_certs(CMS_ContentInfo *cms, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (CMS_add1_cert(cms, sk_X509_value(certs, i)) != 1)
			return false;
	return true;
}

int cms_make(const void *module, size_t len, EVP_PKEY *key, X509 *cert, STACK_OF(X509) * chain,
	     const EVP_MD *hash, struct buf *out, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(module, (int)len);
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms = new_blob();
	bool with_chain = sk_X509_num(chain) > 0;
	uint8_t *der = NULL;
	int n = -1, r;

	if (bio && cms && CMS_add1_signer(cms, cert, key, hash, SIGNER_FLAGS) &&
	    (!with_chain || (CMS_add1_cert(cms, cert) == 1 && add_certs(cms, chain))) &&
	    CMS_final(cms, bio, NULL, FLAGS) == 1)
		n = i2d_CMS_ContentInfo(cms, &der);
	ERR_clear_error();
	if (n <= 0)
		return error_set(err, ERR_NO_MEMORY, "module signature: OpenSSL could not sign");
	r = buf_append(out, der, (size_t)n);
	OPENSSL_free(der);
	return r < 0 ? error_set(err, r, "module signature: too large") : 0;
}

/* How the signer is named in the blob. */
static unsigned naming(CMS_SignerInfo *info)
{
	ASN1_OCTET_STRING *key_id = NULL;

	return CMS_SignerInfo_get0_signer_id(info, &key_id, NULL, NULL) == 1 && key_id
		       ? CMS_USE_KEYID
		       : 0;
}

bool cms_has_exact_form(CMS_ContentInfo *cms, CMS_SignerInfo *info, X509 *cert,
			const struct signature_parts *parts)
{
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *again = new_blob();
	_cleanup_certificates_ STACK_OF(X509) *certs = CMS_get1_certs(cms);
	const ASN1_OCTET_STRING *value = CMS_SignerInfo_get0_signature(info);
	CMS_SignerInfo *signer = NULL;
	X509_ALGOR *digest;
	uint8_t *der = NULL;
	int n = -1;
	bool same;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	if (again)
		signer = CMS_add1_signer(again, cert, X509_get0_pubkey(cert),
					 EVP_get_digestbyobj(digest->algorithm),
					 SIGNER_FLAGS | naming(info));
	if (signer && add_certs(again, certs) &&
	    ASN1_STRING_set(CMS_SignerInfo_get0_signature(signer), value->data, value->length) == 1)
		n = i2d_CMS_ContentInfo(again, &der);
	same = n > 0 && (size_t)n == parts->signature_len &&
	       memcmp(der, parts->signature, (size_t)n) == 0;
	OPENSSL_free(der);
	ERR_clear_error();
	return same;
}

bool cms_fits(CMS_ContentInfo *cms, X509 *cert, const struct signature_parts *parts)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(parts->module, (int)parts->module_len);
	STACK_OF(X509) *only = sk_X509_new_null();
	bool ok = bio && only && sk_X509_push(only, cert) > 0 &&
		  CMS_verify(cms, only, NULL, bio, NULL,
			     CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) == 1;

	sk_X509_free(only);
	ERR_clear_error();
	return ok;
}
