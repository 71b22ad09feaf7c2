/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/signature.h"

#include "base/hash.h"
#include "module/cms.h"
#include "module/key_lookup.h"

#include <openssl/err.h>

/* include/linux/module_signature.h */
#define MARKER      "~Module signature appended~\n"
#define MARKER_LEN  (sizeof(MARKER) - 1)
#define TRAILER_LEN 12
#define ID_TYPE_AT  2
#define ID_PKCS7    2
#define LENGTH_AT   8

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

/* ---- Signing ---- */

/* What signs, read and checked. */
struct signer {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * chain;
	enum signature_hash hash;
};

static void signer_clear(struct signer *s)
{
	EVP_PKEY_free(s->key);
	X509_free(s->cert);
	sk_X509_pop_free(s->chain, X509_free);
}

static const EVP_MD *digest_of(enum signature_hash hash)
{
	switch (hash) {
	case SIGNATURE_SHA384: return EVP_sha384();
	case SIGNATURE_SHA512: return EVP_sha512();
	default: return EVP_sha256();
	}
}

/* Is each certificate issued by the next, and by names that a kernel follows? */
static int check_links(const struct signer *s, struct error *err)
{
	X509 *issued = s->cert;

	for (int i = 0; i < sk_X509_num(s->chain); i++) {
		X509 *issuer = sk_X509_value(s->chain, i);
		char subject[256];
		bool ok = X509_check_issued(issuer, issued) == X509_V_OK &&
			  X509_verify(issued, X509_get0_pubkey(issuer)) == 1;

		ERR_clear_error();
		certificate_subject(issued, subject, sizeof(subject));
		if (!ok)
			return error_set(err, ERR_INVALID,
					 "chain: certificate %d did not issue that of %s", i + 1,
					 subject);
		if (!key_lookup_names_issuer(issued, issuer))
			return error_set(err, ERR_UNSUPPORTED,
					 "chain: the certificate of %s does not name its issuer's "
					 "key (authority key identifier), so no kernel finds it",
					 subject);
		issued = issuer;
	}
	return 0;
}

/* The last certificate of the chain stands for the authority that machines and kernels trust, which
 * is not here. */
static int check_chain(const struct signer *s, struct error *err)
{
	STACK_OF(X509) *last = sk_X509_new_null();
	int n = sk_X509_num(s->chain), r = check_links(s, err);

	if (r == 0 && (!last || sk_X509_push(last, sk_X509_value(s->chain, n - 1)) <= 0))
		r = error_set(err, ERR_NO_MEMORY, "no memory");
	if (r == 0)
		r = certificate_check_chain(s->cert, s->chain, last, SIGNATURE_ANY_TIME, NULL, err);
	sk_X509_free(last);
	return r;
}

static int read_chain(const char *pem, struct signer *s, struct error *err)
{
	int r;

	s->chain = sk_X509_new_null();
	if (!s->chain)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = certificate_read_all(pem, "chain", s->chain, err);
	if (r < 0)
		return r;
	if (sk_X509_num(s->chain) >= SIGNATURE_CHAIN_MAX)
		return error_set(err, ERR_TOO_LARGE, "chain: more than %d certificates",
				 SIGNATURE_CHAIN_MAX - 1);
	return check_chain(s, err);
}

/* The kernel reads each certificate that the signature brings along, the last one too, and checks
 * them up to the one that it trusts. */
static int check_chain_support(const struct signer *s, const struct signature_support *support,
			       struct error *err)
{
	int n = sk_X509_num(s->chain), r = 0;

	for (int i = -1; r == 0 && n > 0 && i < n; i++) {
		X509 *cert = i < 0 ? s->cert : sk_X509_value(s->chain, i);
		enum signature_algorithm algorithm;
		enum signature_hash hash;

		r = certificate_signed_with(cert, &algorithm, &hash, err);
		if (r == 0)
			r = signature_support_check(support, algorithm, hash, err);
	}
	return r < 0 ? error_prefix(err, r, "chain") : 0;
}

static int read_signer(const struct signature_options *options, struct signer *s,
		       enum signature_algorithm *algorithm, struct error *err)
{
	int r = certificate_read_key(options->key, &s->key, err);

	if (r == 0)
		r = certificate_classify(s->key, algorithm, err);
	if (r == 0)
		r = certificate_read(options->cert, &s->cert, err);
	if (r < 0)
		return r;
	if (X509_check_private_key(s->cert, s->key) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_INVALID,
				 "module key: the certificate belongs to another key");
	}
	return options->chain ? read_chain(options->chain, s, err) : 0;
}

static int append_all(const void *module, size_t len, const struct buf *cms, struct buf *out)
{
	int r = buf_reserve(out, len + cms->len + TRAILER_LEN + MARKER_LEN);

	if (r == 0)
		r = buf_append(out, module, len);
	if (r == 0)
		r = buf_append(out, cms->data, cms->len);
	return r < 0 ? r : append_trailer(cms->len, out);
}

int signature_sign_with(const void *module, size_t len, const struct signature_options *options,
			struct buf *out, struct error *err)
{
	_cleanup_(signer_clear) struct signer signer = { .hash = options->hash };
	_cleanup_buf_ struct buf cms = BUF_INIT(SIGNATURE_MAX);
	enum signature_algorithm algorithm;
	struct signature_parts parts;
	int r = signature_split(module, len, &parts, err);

	if (r < 0)
		return r;
	if (parts.signature)
		return error_set(err, ERR_EXISTS, "the module is signed already");
	if (len == 0 || len > INT32_MAX)
		return error_set(err, ERR_INVALID, "not a module: %zu bytes", len);
	r = read_signer(options, &signer, &algorithm, err);
	if (r == 0)
		r = signature_support_check(options->support, algorithm, signer.hash, err);
	if (r == 0)
		r = check_chain_support(&signer, options->support, err);
	if (r == 0)
		r = cms_make(module, len, signer.key, signer.cert, signer.chain,
			     digest_of(signer.hash), &cms, err);
	if (r < 0)
		return r;
	r = append_all(module, len, &cms, out);
	return r < 0 ? error_set(err, r, "module signature: no room") : 0;
}

int signature_sign(const void *module, size_t len, const char *key_pem, const char *cert_pem,
		   struct buf *out, struct error *err)
{
	const struct signature_options options = { .key = key_pem, .cert = cert_pem };

	return signature_sign_with(module, len, &options, out, err);
}

/* ---- Verifying ---- */

static void describe_cert(X509 *cert, const X509 *anchor, struct signature_signer *ret)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);

	*ret = (struct signature_signer){
		.not_before = certificate_time(X509_get0_notBefore(cert)),
		.not_after = certificate_time(X509_get0_notAfter(cert)),
	};
	certificate_subject(cert, ret->subject, sizeof(ret->subject));
	certificate_subject(anchor, ret->anchor, sizeof(ret->anchor));
	certificate_key_id(cert, ret->key_id, sizeof(ret->key_id));
	if (serial->length >= 0 && (size_t)serial->length * 2 < sizeof(ret->serial))
		hex_encode(serial->data, (size_t)serial->length, ret->serial);
}

int signature_describe_cert(const char *pem, struct signature_signer *ret, struct error *err)
{
	_cleanup_(X509_freep) X509 *cert = NULL;
	int r = certificate_read(pem, &cert, err);

	if (r == 0)
		describe_cert(cert, cert, ret);
	return r;
}

static void describe_signer(X509 *cert, const X509 *anchor, CMS_SignerInfo *info,
			    struct signature_signer *ret)
{
	X509_ALGOR *digest;

	describe_cert(cert, anchor, ret);
	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	(void)!certificate_hash(OBJ_obj2nid(digest->algorithm), &ret->hash);
}

struct verification {
	const struct signature_parts *parts;
	STACK_OF(X509) * trusted;
	int64_t time;
	CMS_SignerInfo *named;        /* who the signature says has made it */
	struct signature_signer *ret; /* may be NULL */
	bool matched;                 /* some certificate is the named signer's */
	struct error why;             /* of one whose signature is good */
};

/*
 * Is that certificate the signer's, is its signature good, and may it be trusted at that time?
 * 1: yes. 0: no; v->matched and v->why say how far it came. Each call parses the blob anew, since
 * OpenSSL ties it to the certificate that it was verified with.
 */
static int try_cert(struct verification *v, X509 *cert, bool is_trusted, struct error *err)
{
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_certificates_ STACK_OF(X509) *others = NULL;
	CMS_SignerInfo *info = NULL;
	enum signature_algorithm algorithm;
	X509 *anchor = cert;
	int r;

	if (CMS_SignerInfo_cert_cmp(v->named, cert) != 0)
		return 0;
	v->matched = true;
	r = cms_parse(v->parts, &cms, &info, err);
	if (r < 0)
		return r;
	if (!cms_has_exact_form(cms, info, cert, v->parts) || !cms_fits(cms, cert, v->parts))
		return 0;
	r = certificate_classify(X509_get0_pubkey(cert), &algorithm, &v->why);
	if (r == 0 && is_trusted) {
		r = certificate_check_time(cert, v->time, &v->why);
	} else if (r == 0) {
		others = CMS_get1_certs(cms);
		r = certificate_check_chain(cert, others, v->trusted, v->time, &anchor, &v->why);
	}
	if (r < 0)
		return r == ERR_NO_MEMORY ? error_set(err, r, "no memory") : 0;
	if (v->ret)
		describe_signer(cert, anchor, info, v->ret);
	return 1;
}

/* Two certificates may have the same issuer and serial number: each one that matches is tried. */
static int try_all(struct verification *v, STACK_OF(X509) * certs, bool are_trusted,
		   struct error *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < sk_X509_num(certs); i++)
		r = try_cert(v, sk_X509_value(certs, i), are_trusted, err);
	return r;
}

static int verify(struct verification *v, struct error *err)
{
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_certificates_ STACK_OF(X509) *brought = NULL;
	CMS_SignerInfo *info = NULL;
	int r = cms_parse(v->parts, &cms, &info, err);

	if (r < 0)
		return r;
	v->named = info;
	brought = CMS_get1_certs(cms);
	ERR_clear_error();
	r = try_all(v, v->trusted, true, err);
	if (r == 0)
		r = try_all(v, brought, false, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (v->why.code) {
		if (err)
			*err = v->why;
		return v->why.code;
	}
	if (v->matched)
		return error_set(err, ERR_SIGNATURE,
				 "module signature: it does not fit the module's bytes");
	return error_set(err, ERR_UNTRUSTED,
			 "module signature: made by none of the trusted certificates");
}

int signature_verify(const void *data, size_t len, const char *const *certs_pem, size_t n_certs,
		     int64_t time, struct signature_signer *ret, struct error *err)
{
	_cleanup_certificates_ STACK_OF(X509) *trusted = sk_X509_new_null();
	struct signature_parts parts;
	struct verification v = { .parts = &parts, .trusted = trusted, .time = time, .ret = ret };
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
		r = certificate_read_all(certs_pem[i], "trusted certificates", trusted, err);
		if (r < 0)
			return r;
	}
	return verify(&v, err);
}
