/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates of any kind for tests: authorities, what they issue, old and new ones of a name. */
#pragma once

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
	const char *curve;                /* NULL: RSA */
	const struct sample_cert *issuer; /* NULL: signed by itself */
	const struct sample_cert *key_of; /* has the same key; NULL: a new one */
	int64_t not_before;               /* 0: SAMPLE_T0 */
	long serial;                      /* 0: 1 */
	const char *constraints;          /* NULL: "critical,CA:FALSE" */
	const char *extended;             /* extended key usage, or NULL: "codeSigning" */
	bool no_key_id;
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
	return o->curve ? EVP_EC_gen(o->curve) : EVP_RSA_gen(2048);
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
	sample_extend(made.cert, issuer, NID_key_usage, ca ? "keyCertSign" : "digitalSignature");
	if (!ca)
		sample_extend(made.cert, issuer, NID_ext_key_usage,
			      o->extended ? o->extended : "codeSigning");
	if (!o->no_key_id) {
		sample_extend(made.cert, issuer, NID_subject_key_identifier, "hash");
		sample_extend(made.cert, issuer, NID_authority_key_identifier, "keyid");
	}
	assert_true(X509_sign(made.cert, o->issuer ? o->issuer->key : made.key, EVP_sha256()) > 0);
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
