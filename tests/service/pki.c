/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/file.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);

static BIO *open_pem(const char *folder, const char *name, const char *suffix, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
	return BIO_new_file(path, mode);
}

static int save(const char *folder, const char *name, X509 *x509, EVP_PKEY *key)
{
	_cleanup_(BIO_free_allp) BIO *pem = open_pem(folder, name, "pem", "w");
	_cleanup_(BIO_free_allp) BIO *secret = open_pem(folder, name, "key", "w");

	return pem && secret && PEM_write_bio_X509(pem, x509) == 1 &&
	       PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static int add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	_cleanup_(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	return extension && X509_add_ext(x509, extension, -1) == 1;
}

/* A certificate of `key` with everything but extensions and signature. */
static X509 *blank(EVP_PKEY *key, const char *name, long from, long to)
{
	_cleanup_(X509_freep) X509 *x509 = X509_new();
	uint32_t serial;

	if (!x509 || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return NULL;
	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial);
	X509_gmtime_adj(X509_getm_notBefore(x509), from);
	X509_gmtime_adj(X509_getm_notAfter(x509), to);
	X509_set_pubkey(x509, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	return TAKE_PTR(x509);
}

int pki_make_ca(const char *folder, const char *name, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(X509_freep) X509 *x509 = key ? blank(key, name, -3600, 86400) : NULL;

	if (x509)
		X509_set_issuer_name(x509, X509_get_subject_name(x509));
	if (!x509 || !add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE") ||
	    !add_extension(x509, x509, NID_key_usage, "critical,keyCertSign") ||
	    X509_sign(x509, key, EVP_sha256()) <= 0 || !save(folder, name, x509, key))
		return error_set(err, ERR_CHILD, "%s: making a CA failed", name);
	return 0;
}

int pki_issue(const char *folder, const char *name, const char *ca, const char *alt_names,
	      long from, long to, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *ca_pem = open_pem(folder, ca, "pem", "r");
	_cleanup_(BIO_free_allp) BIO *ca_secret = open_pem(folder, ca, "key", "r");
	_cleanup_(X509_freep) X509 *issuer =
		ca_pem ? PEM_read_bio_X509(ca_pem, NULL, NULL, NULL) : NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *ca_key =
		ca_secret ? PEM_read_bio_PrivateKey(ca_secret, NULL, NULL, NULL) : NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(X509_freep) X509 *x509 = key ? blank(key, name, from, to) : NULL;

	if (!issuer || !ca_key || !x509 ||
	    X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1 ||
	    !add_extension(x509, issuer, NID_subject_alt_name, alt_names) ||
	    X509_sign(x509, ca_key, EVP_sha256()) <= 0 || !save(folder, name, x509, key))
		return error_set(err, ERR_CHILD, "%s: making a certificate failed", name);
	return 0;
}
