/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/signature.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"

/* include/linux/module_signature.h */
#define MARKER       "~Module signature appended~\n"
#define MARKER_LEN   (sizeof(MARKER) - 1)
#define TRAILER_LEN  12
#define ID_TYPE_AT   2
#define ID_PKCS7     2
#define LENGTH_AT    8
#define RSA_BITS_MIN 2048
/* Largest PEM text taken for a key or a list of certificates. */
#define PEM_MAX      ((size_t)256 * 1024)

DEFINE_CLEANUP(BIO *, BIO_free_all);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(CMS_ContentInfo *, CMS_ContentInfo_free);

static void cert_list_free(STACK_OF(X509) * *list)
{
	sk_X509_pop_free(*list, X509_free);
}
#define _cleanup_certs_ _cleanup_(cert_list_free)

/* ---- The trailer ---- */

int signature_split(const void *data, size_t len, struct signature_parts *ret, struct error *err)
{
	const uint8_t *bytes = data, *trailer;
	size_t rest, sig_len;

	if (len < MARKER_LEN || memcmp(bytes + len - MARKER_LEN, MARKER, MARKER_LEN) != 0) {
		*ret = (struct signature_parts){ .module = bytes, .module_len = len };
		return 0;
	}
	rest = len - MARKER_LEN;
	if (rest <= TRAILER_LEN)
		return error_set(err, ERR_INVALID, "module signature: cut off");
	trailer = bytes + rest - TRAILER_LEN;
	rest -= TRAILER_LEN;
	for (size_t i = 0; i < LENGTH_AT; i++) {
		if (trailer[i] != (i == ID_TYPE_AT ? ID_PKCS7 : 0))
			return error_set(
				err, ERR_INVALID,
				"module signature: its trailer is not that of a CMS signature");
	}
	sig_len = (size_t)trailer[LENGTH_AT] << 24 | (size_t)trailer[LENGTH_AT + 1] << 16 |
		  (size_t)trailer[LENGTH_AT + 2] << 8 | trailer[LENGTH_AT + 3];
	if (sig_len == 0 || sig_len >= rest || sig_len > SIGNATURE_MAX)
		return error_set(err, ERR_INVALID, "module signature: a length of %zu bytes",
				 sig_len);
	*ret = (struct signature_parts){
		.module = bytes,
		.module_len = rest - sig_len,
		.signature = bytes + rest - sig_len,
		.signature_len = sig_len,
	};
	return 0;
}

static int append_trailer(size_t sig_len, struct buf *out)
{
	uint8_t trailer[TRAILER_LEN] = { [ID_TYPE_AT] = ID_PKCS7 };
	int r;

	for (int i = 0; i < 4; i++)
		trailer[LENGTH_AT + i] = (uint8_t)(sig_len >> (8 * (3 - i)));
	r = buf_append(out, trailer, sizeof(trailer));
	return r < 0 ? r : buf_append(out, MARKER, MARKER_LEN);
}

/* ---- PEM ---- */

static int no_passphrase(char *buffer, int size, int rwflag, void *user)
{
	(void)buffer, (void)size, (void)rwflag, (void)user;
	return -1;
}

static BIO *open_pem(const char *pem)
{
	size_t len = strnlen(pem, PEM_MAX + 1);

	return len > PEM_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
}

static int read_key(const char *pem, EVP_PKEY **ret, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = open_pem(pem);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (!key)
		return error_set(err, ERR_INVALID,
				 "module key: not a PEM private key without passphrase");
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
		error_set(err, ERR_UNSUPPORTED, "module key: not RSA of at least %d bits",
			  RSA_BITS_MIN);
		error_hint(err, "RSA is what every kernel with module signatures accepts");
		return ERR_UNSUPPORTED;
	}
	*ret = TAKE_PTR(key);
	return 0;
}

static int read_cert(const char *pem, X509 **ret, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = open_pem(pem);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (!cert)
		return error_set(err, ERR_INVALID, "module certificate: not a PEM certificate");
	*ret = cert;
	return 0;
}

/* All certificates of one PEM text, at least one. */
static int read_certs(const char *pem, STACK_OF(X509) * list, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = open_pem(pem);
	X509 *cert;
	int n = 0;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if (sk_X509_push(list, cert) <= 0) {
			X509_free(cert);
			return error_set(err, ERR_NO_MEMORY, "no memory");
		}
		n++;
	}
	ERR_clear_error();
	if (n == 0)
		return error_set(err, ERR_INVALID, "trusted certificates: not a PEM certificate");
	return 0;
}

/* ---- Signing ---- */

/* As scripts/sign-file.c does it: detached, no attributes, no certificates inside. */
static int make_cms(const void *module, size_t len, EVP_PKEY *key, X509 *cert, struct buf *out,
		    struct error *err)
{
	const unsigned flags = CMS_NOCERTS | CMS_BINARY;
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(module, (int)len);
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL | CMS_DETACHED | CMS_STREAM);
	uint8_t *der = NULL;
	int n = -1, r;

	if (bio && cms &&
	    CMS_add1_signer(cms, cert, key, EVP_sha256(), flags | CMS_NOSMIMECAP | CMS_NOATTR) &&
	    CMS_final(cms, bio, NULL, flags) == 1)
		n = i2d_CMS_ContentInfo(cms, &der);
	ERR_clear_error();
	if (n <= 0)
		return error_set(err, ERR_NO_MEMORY, "module signature: OpenSSL could not sign");
	r = buf_append(out, der, (size_t)n);
	OPENSSL_free(der);
	return r;
}

int signature_sign(const void *module, size_t len, const char *key_pem, const char *cert_pem,
		   struct buf *out, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(X509_freep) X509 *cert = NULL;
	_cleanup_buf_ struct buf cms = BUF_INIT(SIGNATURE_MAX);
	struct signature_parts parts;
	int r = signature_split(module, len, &parts, err);

	if (r < 0)
		return r;
	if (parts.signature)
		return error_set(err, ERR_EXISTS, "the module is signed already");
	if (len == 0 || len > INT32_MAX)
		return error_set(err, ERR_INVALID, "not a module: %zu bytes", len);
	r = read_key(key_pem, &key, err);
	if (r == 0)
		r = read_cert(cert_pem, &cert, err);
	if (r < 0)
		return r;
	if (X509_check_private_key(cert, key) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_INVALID,
				 "module key: the certificate belongs to another key");
	}
	r = make_cms(module, len, key, cert, &cms, err);
	if (r < 0)
		return r;
	r = buf_reserve(out, len + cms.len + TRAILER_LEN + MARKER_LEN);
	if (r == 0)
		r = buf_append(out, module, len);
	if (r == 0)
		r = buf_append(out, cms.data, cms.len);
	if (r == 0)
		r = append_trailer(cms.len, out);
	return r < 0 ? error_set(err, r, "module signature: no room") : 0;
}

/* ---- Verifying ---- */

static int64_t cert_time(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

static void describe_cert(X509 *cert, struct signature_signer *ret)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(cert);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);

	*ret = (struct signature_signer){
		.not_before = cert_time(X509_get0_notBefore(cert)),
		.not_after = cert_time(X509_get0_notAfter(cert)),
	};
	X509_NAME_oneline(X509_get_subject_name(cert), ret->subject, sizeof(ret->subject));
	if (serial->length >= 0 && (size_t)serial->length * 2 < sizeof(ret->serial))
		hex_encode(serial->data, (size_t)serial->length, ret->serial);
	if (id && id->length >= 0 && (size_t)id->length * 2 < sizeof(ret->key_id))
		hex_encode(id->data, (size_t)id->length, ret->key_id);
}

/* The one signer of a CMS blob of exactly the form that the kernel's tools write. */
static int parse_cms(const struct signature_parts *parts, CMS_ContentInfo **ret,
		     CMS_SignerInfo **ret_signer, struct error *err)
{
	const uint8_t *p = parts->signature;
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms =
		d2i_CMS_ContentInfo(NULL, &p, (long)parts->signature_len);
	STACK_OF(CMS_SignerInfo) * signers;
	CMS_SignerInfo *signer;
	X509_ALGOR *digest;
	int nid;

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
	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
	nid = OBJ_obj2nid(digest->algorithm);
	if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
		return error_set(err, ERR_UNSUPPORTED, "module signature: its hash is not SHA-2");
	*ret = TAKE_PTR(cms);
	*ret_signer = signer;
	return 0;
}

/*
 * The signature covers the module and nothing of the blob around it: versions, content type and
 * algorithm parameters could be changed and OpenSSL would not mind, though a kernel might. So the
 * blob is made again from what it says, the way it is made when signing, and must be the same
 * bytes.
 */
static bool has_exact_form(CMS_SignerInfo *info, X509 *cert, const struct signature_parts *parts)
{
	const unsigned flags = CMS_NOCERTS | CMS_BINARY;
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL | CMS_DETACHED | CMS_STREAM);
	const ASN1_OCTET_STRING *value = CMS_SignerInfo_get0_signature(info);
	CMS_SignerInfo *again = NULL;
	X509_ALGOR *digest;
	uint8_t *der = NULL;
	int n = -1;
	bool same;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	if (cms)
		again = CMS_add1_signer(cms, cert, X509_get0_pubkey(cert),
					EVP_get_digestbyobj(digest->algorithm),
					flags | CMS_NOSMIMECAP | CMS_NOATTR);
	if (again &&
	    ASN1_STRING_set(CMS_SignerInfo_get0_signature(again), value->data, value->length) == 1)
		n = i2d_CMS_ContentInfo(cms, &der);
	same = n > 0 && (size_t)n == parts->signature_len &&
	       memcmp(der, parts->signature, (size_t)n) == 0;
	OPENSSL_free(der);
	ERR_clear_error();
	return same;
}

static bool fits(CMS_ContentInfo *cms, X509 *cert, const struct signature_parts *parts)
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

static int check_validity(const struct signature_signer *signer, int64_t at, struct error *err)
{
	char begin[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX], moment[CLOCK_TEXT_MAX];

	if (at == 0 || (at >= signer->not_before && at <= signer->not_after))
		return 0;
	clock_format(signer->not_before, begin);
	clock_format(signer->not_after, end);
	clock_format(at, moment);
	return error_set(err, ERR_EXPIRED,
			 "module signature: the certificate %s is valid from %s to %s, not on %s",
			 signer->subject, begin, end, moment);
}

/* Two trusted certificates may have the same issuer and serial number: each one that matches is
 * tried. */
static int verify_with(const struct signature_parts *parts, STACK_OF(X509) * trusted, int64_t at,
		       struct signature_signer *ret, struct error *err)
{
	bool matched = false;

	for (int i = 0; i < sk_X509_num(trusted); i++) {
		_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms = NULL;
		X509 *cert = sk_X509_value(trusted, i);
		struct signature_signer signer;
		CMS_SignerInfo *info = NULL;
		int r = parse_cms(parts, &cms, &info, err);

		if (r < 0)
			return r;
		if (CMS_SignerInfo_cert_cmp(info, cert) != 0)
			continue;
		matched = true;
		if (!has_exact_form(info, cert, parts) || !fits(cms, cert, parts))
			continue;
		describe_cert(cert, &signer);
		if (ret)
			*ret = signer;
		return check_validity(&signer, at, err);
	}
	if (matched)
		return error_set(err, ERR_SIGNATURE,
				 "module signature: it does not fit the module's bytes");
	return error_set(err, ERR_UNTRUSTED,
			 "module signature: made by none of the trusted certificates");
}

int signature_verify(const void *data, size_t len, const char *const *certs_pem, size_t n_certs,
		     int64_t time, struct signature_signer *ret, struct error *err)
{
	_cleanup_certs_ STACK_OF(X509) *trusted = sk_X509_new_null();
	struct signature_parts parts;
	int r = signature_split(data, len, &parts, err);

	if (r < 0)
		return r;
	if (!trusted)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!parts.signature)
		return error_set(err, ERR_SIGNATURE, "the module is not signed");
	if (parts.module_len > INT32_MAX)
		return error_set(err, ERR_TOO_LARGE, "not a module: %zu bytes", parts.module_len);
	for (size_t i = 0; i < n_certs; i++) {
		r = read_certs(certs_pem[i], trusted, err);
		if (r < 0)
			return r;
	}
	return verify_with(&parts, trusted, time, ret, err);
}

/* ---- Certificates ---- */

static int add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	int ok;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return ok ? 0 : ERR_INVALID;
}

/* The kernel's certs/default_x509.genkey, and the use that shim (SHIM_MODSIGN_OID) wants for keys
 * that may sign modules but no boot loader or kernel. */
static int add_extensions(X509 *cert)
{
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "digitalSignature" },
		{ NID_ext_key_usage, "codeSigning,1.3.6.1.4.1.2312.16.1.2" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (add_extension(cert, extensions[i].nid, extensions[i].value) < 0)
			return ERR_INVALID;
	}
	return 0;
}

static bool set_serial(X509 *cert)
{
	uint8_t serial[16];
	BIGNUM *number;
	bool ok;

	if (random_bytes(serial, sizeof(serial), NULL) < 0)
		return false;
	serial[0] &= 0x7f;
	serial[0] |= 0x40; /* never zero, always 16 bytes */
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return ok;
}

static bool fill_cert(X509 *cert, EVP_PKEY *key, const char *name, int64_t not_before,
		      unsigned days)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
					  -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, subject) == 1 &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) &&
	       ASN1_TIME_adj(X509_getm_notAfter(cert), (time_t)not_before, (int)days, 0) &&
	       X509_set_pubkey(cert, key) == 1 && add_extensions(cert) == 0 &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

int signature_make_cert(const char *key_pem, const char *name, int64_t not_before, unsigned days,
			struct buf *out, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(X509_freep) X509 *cert = X509_new();
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	int r = read_key(key_pem, &key, err);

	if (r < 0)
		return r;
	if (days < 1 || days > 36500)
		return error_set(err, ERR_INVALID, "certificate: 1 to 36500 days");
	if (name[0] == '\0' || strlen(name) > 64)
		return error_set(err, ERR_INVALID, "certificate: a name has 1 to 64 bytes");
	if (!cert || !bio || !fill_cert(cert, key, name, not_before, days) ||
	    PEM_write_bio_X509(bio, cert) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_INVALID, "certificate: OpenSSL could not make it");
	}
	len = BIO_get_mem_data(bio, &text);
	return buf_append(out, text, (size_t)len);
}
