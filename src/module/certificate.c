/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/pem.h"
#include "module/signature.h"

/* OpenSSL's security level for chains: 112 bits, so RSA from 2048 bits on and no SHA-1. */
#define AUTH_LEVEL 2

DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);

/* ---- Keys ---- */

static int classify_curve(const EVP_PKEY *key, enum signature_algorithm *ret, struct error *err)
{
	char curve[64] = "";
	size_t len;

	if (EVP_PKEY_get_group_name((EVP_PKEY *)key, curve, sizeof(curve), &len) != 1)
		curve[0] = 0;
	ERR_clear_error();
	if (streq(curve, "prime256v1") || streq(curve, "P-256"))
		*ret = SIGNATURE_ECDSA_P256;
	else if (streq(curve, "secp384r1") || streq(curve, "P-384"))
		*ret = SIGNATURE_ECDSA_P384;
	else
		return error_set(err, ERR_UNSUPPORTED,
				 "module key: ECDSA on the curve %s, not P-256 or P-384",
				 curve[0] ? curve : "of its own");
	return 0;
}

int certificate_classify(const EVP_PKEY *key, enum signature_algorithm *ret, struct error *err)
{
	int id = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);

	if (id == EVP_PKEY_EC)
		return classify_curve(key, ret, err);
	if (id != EVP_PKEY_RSA) {
		error_set(err, ERR_UNSUPPORTED, "module key: neither RSA nor ECDSA");
		error_hint(err, "RSA is what every kernel with module signatures accepts");
		return ERR_UNSUPPORTED;
	}
	/* crypto/rsa.c, rsa_check_key_length() */
	if (bits != 2048 && bits != 3072 && bits != 4096)
		return error_set(err, ERR_UNSUPPORTED,
				 "module key: RSA of %d bits; a kernel takes 2048, 3072 and 4096",
				 bits);
	*ret = SIGNATURE_RSA;
	return 0;
}

bool certificate_hash(int nid, enum signature_hash *ret)
{
	if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
		return false;
	*ret = nid == NID_sha256   ? SIGNATURE_SHA256
	       : nid == NID_sha384 ? SIGNATURE_SHA384
				   : SIGNATURE_SHA512;
	return true;
}

int certificate_signed_with(X509 *cert, enum signature_algorithm *ret_algorithm,
			    enum signature_hash *ret_hash, struct error *err)
{
	int digest = NID_undef, kind = NID_undef;
	char subject[256];

	X509_get_signature_info(cert, &digest, &kind, NULL, NULL);
	if ((kind == NID_rsaEncryption || kind == NID_X9_62_id_ecPublicKey) &&
	    certificate_hash(digest, ret_hash)) {
		*ret_algorithm = kind == NID_rsaEncryption ? SIGNATURE_RSA : SIGNATURE_ECDSA_P256;
		return 0;
	}
	certificate_subject(cert, subject, sizeof(subject));
	return error_set(err, ERR_UNSUPPORTED,
			 "the certificate %s is signed with %s; a kernel takes RSA (PKCS #1 v1.5) "
			 "and ECDSA with SHA-256, SHA-384 or SHA-512",
			 subject, OBJ_nid2ln(X509_get_signature_nid(cert)));
}

/* ---- PEM ---- */

static BIO *open_pem(const char *pem)
{
	size_t len = strnlen(pem, PEM_TEXT_MAX + 1);

	return len > PEM_TEXT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
}

int certificate_read_key(const char *pem, EVP_PKEY **ret, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = open_pem(pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, pem_no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (!key)
		return error_set(err, ERR_INVALID,
				 "module key: not a PEM private key without passphrase");
	*ret = key;
	return 0;
}

int certificate_read(const char *pem, X509 **ret, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *bio = open_pem(pem);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, pem_no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (!cert)
		return error_set(err, ERR_INVALID, "module certificate: not a PEM certificate");
	*ret = cert;
	return 0;
}

int certificate_read_all(const char *pem, const char *what, STACK_OF(X509) * list,
			 struct error *err)
{
	int n = pem_read_certificates(pem, list);

	if (n == ERR_NO_MEMORY)
		return error_set(err, n, "no memory");
	return n > 0 ? 0 : error_set(err, ERR_INVALID, "%s: not PEM certificates", what);
}

/* ---- What one says ---- */

int64_t certificate_time(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

void certificate_subject(const X509 *cert, char *ret, size_t size)
{
	X509_NAME_oneline(X509_get_subject_name(cert), ret, (int)size);
}

void certificate_octets(const ASN1_OCTET_STRING *octets, char *ret, size_t size)
{
	ret[0] = 0;
	if (octets && octets->length >= 0 && (size_t)octets->length * 2 < size)
		hex_encode(octets->data, (size_t)octets->length, ret);
}

void certificate_key_id(X509 *cert, char *ret, size_t size)
{
	certificate_octets(X509_get0_subject_key_id(cert), ret, size);
}

int certificate_check_time(const X509 *cert, int64_t time, struct error *err)
{
	int64_t from = certificate_time(X509_get0_notBefore(cert));
	int64_t to = certificate_time(X509_get0_notAfter(cert));
	char begin[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX], moment[CLOCK_TEXT_MAX], subject[256];

	if (time == SIGNATURE_ANY_TIME || (from != -1 && time >= from && time <= to))
		return 0;
	certificate_subject(cert, subject, sizeof(subject));
	clock_format(from, begin);
	clock_format(to, end);
	clock_format(time, moment);
	return error_set(err, ERR_EXPIRED,
			 "module signature: the certificate %s is valid from %s to %s, not on %s",
			 subject, begin, end, moment);
}

/* ---- Chains ---- */

/* An authority may also certify web servers and people: those do not sign modules. One that names
 * no extended use (all bits are set) could be any of them. */
static int check_use(X509 *cert, struct error *err)
{
	uint32_t usage = X509_get_key_usage(cert), extended = X509_get_extended_key_usage(cert);
	char subject[256];

	if (usage & KU_DIGITAL_SIGNATURE && extended != UINT32_MAX && extended & XKU_CODE_SIGN)
		return 0;
	certificate_subject(cert, subject, sizeof(subject));
	return error_set(err, ERR_UNTRUSTED,
			 "module signature: the certificate %s is not for signing code", subject);
}

static int explain_chain(X509_STORE_CTX *ctx, struct error *err)
{
	int code = X509_STORE_CTX_get_error(ctx);
	const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	char subject[256] = "?";

	if (cert)
		certificate_subject(cert, subject, sizeof(subject));
	return error_set(err, ERR_UNTRUSTED,
			 "module signature: no chain from %s to a trusted certificate: %s", subject,
			 X509_verify_cert_error_string(code));
}

/* Dates are not OpenSSL's business: certificate_check_time() is the one way to look at them. */
static X509_STORE_CTX *prepare_chain(X509 *cert, STACK_OF(X509) * others, STACK_OF(X509) * trusted)
{
	_cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (!ctx || X509_STORE_CTX_init(ctx, NULL, cert, others) != 1)
		return NULL;
	X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_depth(param, SIGNATURE_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
	return TAKE_PTR(ctx);
}

/* OpenSSL takes some old certificates that do not say CA:TRUE for authorities. */
static int check_authority(X509 *cert, struct error *err)
{
	char subject[256];

	if (X509_check_ca(cert) == 1)
		return 0;
	certificate_subject(cert, subject, sizeof(subject));
	return error_set(err, ERR_UNTRUSTED,
			 "module signature: the certificate %s is not that of an authority",
			 subject);
}

/* From the signer's certificate to the trusted one, which nobody need have signed. */
static int check_members(const STACK_OF(X509) * chain, int64_t time, struct error *err)
{
	enum signature_algorithm algorithm;
	int r = 0;

	for (int i = 0; r == 0 && i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (i > 0)
			r = check_authority(cert, err);
		if (r == 0)
			r = certificate_classify(X509_get0_pubkey(cert), &algorithm, err);
		if (r == 0 && i + 1 < sk_X509_num(chain))
			r = certificate_signed_with(cert, &algorithm, &(enum signature_hash){ 0 },
						    err);
		if (r == 0)
			r = certificate_check_time(cert, time, err);
	}
	return r;
}

int certificate_check_chain(X509 *cert, STACK_OF(X509) * others, STACK_OF(X509) * trusted,
			    int64_t time, X509 **ret_anchor, struct error *err)
{
	_cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = prepare_chain(cert, others, trusted);
	const STACK_OF(X509) * chain;
	X509 *last;
	int r = check_use(cert, err);

	if (r < 0)
		return r;
	if (!ctx)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = X509_verify_cert(ctx) == 1 ? 0 : explain_chain(ctx, err);
	ERR_clear_error();
	if (r < 0)
		return r;
	chain = X509_STORE_CTX_get0_chain(ctx);
	r = check_members(chain, time, err);
	if (r < 0)
		return r;
	last = sk_X509_value(chain, sk_X509_num(chain) - 1);
	for (int i = 0; ret_anchor && i < sk_X509_num(trusted); i++)
		if (X509_cmp(sk_X509_value(trusted, i), last) == 0)
			*ret_anchor = sk_X509_value(trusted, i);
	return 0;
}

/* ---- Making one ---- */

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

int certificate_make(const char *key_pem, const char *name, int64_t not_before, unsigned days,
		     struct buf *out, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(X509_freep) X509 *cert = X509_new();
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	enum signature_algorithm algorithm;
	int r = certificate_read_key(key_pem, &key, err);

	if (r == 0)
		r = certificate_classify(key, &algorithm, err);
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
