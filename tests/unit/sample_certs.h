/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates of any kind for tests: authorities, what they issue, old and new ones of a name. */
#pragma once

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "unit.h"

#define SAMPLE_T0   INT64_C(1750000000)
#define SAMPLE_DAYS 100

struct sample_cert {
	EVP_PKEY *key;
	X509 *cert;
	char *key_pem, *cert_pem;
};

struct sample_options {
	const char *name;
	const char *curve; /* NULL: RSA of `bits`, 0: 2048 */
	unsigned bits;
	const struct sample_cert *issuer;    /* NULL: signed by itself */
	const struct sample_cert *key_of;    /* has the same key; NULL: a new one */
	int64_t not_before;                  /* 0: SAMPLE_T0 */
	long serial;                         /* 0: 1 */
	const struct sample_cert *forged_by; /* who signs it in the issuer's name */
	const EVP_MD *digest;                /* NULL: SHA-256 */
	/* Extensions; "" for none of the kind. */
	const char *constraints; /* NULL: "critical,CA:FALSE" */
	const char *usage;       /* NULL: "keyCertSign" of an authority, or "digitalSignature" */
	const char *extended;    /* NULL: none of an authority, or "codeSigning" */
	const char *authority;   /* authority key identifier, or NULL: "keyid" */
};

static inline char *sample_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);

	BIO_free_all(bio);
	assert_non_null(text);
	return text;
}

static inline void sample_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	if (!*value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline EVP_PKEY *sample_key(const struct sample_options *o)
{
	if (o->key_of) {
		EVP_PKEY_up_ref(o->key_of->key);
		return o->key_of->key;
	}
	return o->curve ? EVP_EC_gen(o->curve) : EVP_RSA_gen(o->bits ? o->bits : 2048);
}

static inline struct sample_cert sample_make(const struct sample_options *o)
{
	struct sample_cert made = { .key = sample_key(o), .cert = X509_new() };
	X509_NAME *subject = X509_get_subject_name(made.cert);
	X509 *issuer = o->issuer ? o->issuer->cert : made.cert;
	const bool ca = o->constraints && strstr(o->constraints, "TRUE");
	int64_t from = o->not_before ? o->not_before : SAMPLE_T0;
	BIO *bio;

	assert_non_null(made.key);
	X509_set_version(made.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), o->serial ? o->serial : 1);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)o->name, -1, -1,
				   0);
	X509_set_issuer_name(made.cert, X509_get_subject_name(issuer));
	ASN1_TIME_set(X509_getm_notBefore(made.cert), (time_t)from);
	ASN1_TIME_adj(X509_getm_notAfter(made.cert), (time_t)from, SAMPLE_DAYS, 0);
	X509_set_pubkey(made.cert, made.key);
	sample_extend(made.cert, issuer, NID_basic_constraints,
		      o->constraints ? o->constraints : "critical,CA:FALSE");
	sample_extend(made.cert, issuer, NID_key_usage,
		      o->usage ? o->usage
		      : ca     ? "keyCertSign"
			       : "digitalSignature");
	sample_extend(made.cert, issuer, NID_ext_key_usage,
		      o->extended ? o->extended
		      : ca        ? ""
				  : "codeSigning");
	sample_extend(made.cert, issuer, NID_subject_key_identifier, "hash");
	sample_extend(made.cert, issuer, NID_authority_key_identifier,
		      o->authority ? o->authority : "keyid");
	assert_true(X509_sign(made.cert,
			      o->forged_by ? o->forged_by->key
			      : o->issuer  ? o->issuer->key
					   : made.key,
			      o->digest ? o->digest : EVP_sha256()) > 0);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, made.key, NULL, NULL, 0, NULL, NULL);
	made.key_pem = sample_text(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, made.cert);
	made.cert_pem = sample_text(bio);
	return made;
}

static inline void sample_free(struct sample_cert *made)
{
	EVP_PKEY_free(made->key);
	X509_free(made->cert);
	free(made->key_pem);
	free(made->cert_pem);
}

/* A module with that blob as its signature, right or wrong. Takes the blob. */
static inline struct buf sample_signed(const void *module, size_t len, CMS_ContentInfo *cms,
				       size_t extra)
{
	static const char marker[] = "~Module signature appended~\n";
	struct buf out = BUF_INIT(1 << 20);
	uint8_t trailer[12] = { 0, 0, 2 }, *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);
	size_t all = (size_t)n + extra;

	assert_true(n > 0);
	trailer[10] = (uint8_t)(all >> 8);
	trailer[11] = (uint8_t)all;
	assert_int_equal(buf_append(&out, module, len), 0);
	assert_int_equal(buf_append(&out, der, (size_t)n), 0);
	while (extra-- > 0)
		assert_int_equal(buf_append(&out, "", 1), 0);
	assert_int_equal(buf_append(&out, trailer, sizeof(trailer)), 0);
	assert_int_equal(buf_append(&out, marker, sizeof(marker) - 1), 0);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	return out;
}

/* A blob in the kernel's form but for what `flags` and `signer_flags` change. */
static inline CMS_ContentInfo *sample_cms(const void *module, size_t len,
					  const struct sample_cert *with, const EVP_MD *digest,
					  unsigned flags, unsigned signer_flags)
{
	BIO *bio = BIO_new_mem_buf(module, (int)len);
	CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL,
			 CMS_NOCERTS | CMS_BINARY | CMS_PARTIAL | CMS_STREAM | flags);

	assert_non_null(CMS_add1_signer(cms, with->cert, with->key, digest,
					CMS_NOCERTS | CMS_BINARY | CMS_NOSMIMECAP | signer_flags));
	assert_int_equal(CMS_final(cms, bio, NULL, CMS_NOCERTS | CMS_BINARY | flags), 1);
	BIO_free_all(bio);
	return cms;
}
