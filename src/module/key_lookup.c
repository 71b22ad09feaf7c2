/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/key_lookup.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/hash.h"
#include "module/cms.h"

/* Longest identifier, in bytes; keyctl(2) takes descriptions of up to 4095. */
#define ID_MAX 2000

static void key_lookup_clear(struct key_lookup *lookup)
{
	free(lookup->id);
	free(lookup->key_id);
	free(lookup->tbs);
	*lookup = (struct key_lookup){ 0 };
}
#define _cleanup_key_lookup_ _cleanup_(key_lookup_clear)

void key_lookups_clear(struct key_lookups *lookups)
{
	for (size_t i = 0; i < lookups->n; i++)
		key_lookup_clear(&lookups->items[i]);
	lookups->n = 0;
}

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NO_MEMORY, "no memory");
}

/* Takes over what is in `lookup`. */
static int add(struct key_lookups *lookups, struct key_lookup *lookup, struct error *err)
{
	if (lookups->n == KEY_LOOKUPS_MAX)
		return no_memory(err);
	lookups->items[lookups->n++] = *lookup;
	*lookup = (struct key_lookup){ 0 };
	return 0;
}

static char *to_hex(const void *data, size_t len)
{
	char *text = malloc(len * 2 + 1);

	if (text)
		hex_encode(data, len, text);
	return text;
}

/* Appends the contents of one DER value, without its tag and length. */
static int append_contents(const uint8_t *der, int len, struct buf *out)
{
	const uint8_t *p = der;
	long contents;
	int tag, class;

	if (len <= 0 || ASN1_get_object(&p, &contents, &tag, &class, len) & 0x80)
		return ERR_INVALID;
	return buf_append(out, p, (size_t)contents);
}

/* Serial number and issuer, as asymmetric_key_generate_id() puts them together. */
static char *make_id(const ASN1_INTEGER *serial, const X509_NAME *issuer)
{
	_cleanup_buf_ struct buf id = BUF_INIT(ID_MAX);
	uint8_t *number = NULL, *name = NULL;
	int n = i2d_ASN1_INTEGER((ASN1_INTEGER *)serial, &number);
	int r = append_contents(number, n, &id);

	n = i2d_X509_NAME(issuer, &name);
	if (r == 0)
		r = append_contents(name, n, &id);
	OPENSSL_free(number);
	OPENSSL_free(name);
	ERR_clear_error();
	return r < 0 ? NULL : to_hex(id.data, id.len);
}

/* The hash of what its issuer has signed, with the digest of that signature
 * (x509_get_sig_params()). NULL without memory, and for a digest that .blacklist has not. */
static char *make_tbs(X509 *cert)
{
	uint8_t *der = NULL, digest[EVP_MAX_MD_SIZE];
	int len = i2d_X509(cert, &der), nid = NID_undef, tag, class;
	const uint8_t *tbs = der, *end;
	unsigned n = 0;
	long size;

	X509_get_signature_info(cert, &nid, NULL, NULL, NULL);
	/* Certificate ::= SEQUENCE { tbsCertificate SEQUENCE … */
	if (len > 0 && !(ASN1_get_object(&tbs, &size, &tag, &class, len) & 0x80)) {
		end = tbs;
		if (!(ASN1_get_object(&end, &size, &tag, &class, size) & 0x80) &&
		    EVP_Digest(tbs, (size_t)(end - tbs) + (size_t)size, digest, &n,
			       EVP_get_digestbynid(nid), NULL) != 1)
			n = 0;
	}
	OPENSSL_free(der);
	ERR_clear_error();
	return n > 0 ? to_hex(digest, n) : NULL;
}

/* A key identifier, or NULL for none, with *ret_failed on lack of memory. */
static char *octets_id(const ASN1_OCTET_STRING *octets, bool *ret_failed)
{
	char hex[ID_MAX * 2 + 1], *text;

	certificate_octets(octets, hex, sizeof(hex));
	if (!hex[0])
		return NULL;
	text = strdup(hex);
	*ret_failed |= !text;
	return text;
}

/* A certificate as itself: identifier, and its subject key identifier where it has one. */
static int describe_cert(X509 *cert, struct key_lookup *ret, struct error *err)
{
	bool failed = false;

	ret->id = make_id(X509_get0_serialNumber(cert), X509_get_issuer_name(cert));
	if (!ret->id)
		return error_set(err, ERR_TOO_LARGE, "certificate: its issuer's name is too long");
	ret->key_id = octets_id(X509_get0_subject_key_id(cert), &failed);
	return failed ? no_memory(err) : 0;
}

/* The kernel takes the last directory name. */
static const X509_NAME *directory_name(const GENERAL_NAMES *names)
{
	const X509_NAME *found = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DIRNAME)
			found = name->d.directoryName;
	}
	return found;
}

/* The key that issued a certificate, as that one names it: issuer and serial number (or NULL), and
 * key identifier (or NULL). */
static int describe_authority(X509 *cert, struct key_lookup *ret, struct error *err)
{
	const ASN1_INTEGER *serial = X509_get0_authority_serial(cert);
	const X509_NAME *name = directory_name(X509_get0_authority_issuer(cert));
	bool failed = false;

	ret->key_id = octets_id(X509_get0_authority_key_id(cert), &failed);
	if (failed)
		return no_memory(err);
	if (!serial || !name)
		return 0;
	ret->id = make_id(serial, name);
	return ret->id ? 0
		       : error_set(err, ERR_TOO_LARGE,
				   "certificate: its authority's name is too long");
}

static bool same(const char *a, const char *b)
{
	return a && b && streq(a, b);
}

/* pkcs7_verify_sig_chain(): which of the names decides. */
static bool is_named(const struct key_lookup *authority, const struct key_lookup *cert)
{
	return authority->id ? same(authority->id, cert->id)
			     : same(authority->key_id, cert->key_id);
}

/* …and whether the other one, where there is one, contradicts it. */
static bool contradicts(const struct key_lookup *authority, const struct key_lookup *cert)
{
	return authority->key_id && !same(authority->key_id, cert->key_id);
}

bool key_lookup_names_issuer(X509 *issued, X509 *issuer)
{
	_cleanup_key_lookup_ struct key_lookup authority = { 0 }, cert = { 0 };

	return describe_authority(issued, &authority, NULL) == 0 &&
	       describe_cert(issuer, &cert, NULL) == 0 && is_named(&authority, &cert) &&
	       !contradicts(&authority, &cert);
}

/* x509_check_for_self_signed(): either name of the authority makes it so, and none at all. */
static bool is_self_signed(X509 *cert)
{
	_cleanup_key_lookup_ struct key_lookup authority = { 0 }, own = { 0 };

	if (X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) != 0 ||
	    describe_authority(cert, &authority, NULL) < 0 || describe_cert(cert, &own, NULL) < 0)
		return false;
	return (!authority.id && !authority.key_id) || same(authority.id, own.id) ||
	       same(authority.key_id, own.key_id);
}

/* The key that issued the last certificate of a chain. */
static int add_authority(struct key_lookups *lookups, X509 *last, struct error *err)
{
	_cleanup_key_lookup_ struct key_lookup authority = { 0 };
	int r = describe_authority(last, &authority, err);

	if (r < 0 || (!authority.id && !authority.key_id))
		return r;
	if (!authority.id && !(authority.id = strdup(authority.key_id)))
		return no_memory(err);
	return add(lookups, &authority, err);
}

static int add_cert(struct key_lookups *lookups, X509 *cert, bool brought, struct error *err)
{
	_cleanup_key_lookup_ struct key_lookup lookup = { 0 };
	int r = describe_cert(cert, &lookup, err);

	if (r < 0)
		return r;
	if (brought)
		lookup.tbs = make_tbs(cert);
	return add(lookups, &lookup, err);
}

/* pkcs7_find_key(): by issuer and serial number only. */
static X509 *find_signer(STACK_OF(X509) * certs, CMS_SignerInfo *info)
{
	ASN1_OCTET_STRING *key_id = NULL;

	if (CMS_SignerInfo_get0_signer_id(info, &key_id, NULL, NULL) != 1 || key_id)
		return NULL;
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(certs, i)) == 0)
			return sk_X509_value(certs, i);
	return NULL;
}

/* The issuer that a certificate names, or NULL. */
static int find_issuer(STACK_OF(X509) * certs, X509 *issued, X509 **ret, struct error *err)
{
	_cleanup_key_lookup_ struct key_lookup authority = { 0 };
	int r = describe_authority(issued, &authority, err);

	*ret = NULL;
	for (int i = 0; r == 0 && !*ret && i < sk_X509_num(certs); i++) {
		_cleanup_key_lookup_ struct key_lookup cert = { 0 };

		r = describe_cert(sk_X509_value(certs, i), &cert, err);
		if (r < 0 || !is_named(&authority, &cert))
			continue;
		*ret = sk_X509_value(certs, i);
		if (contradicts(&authority, &cert))
			r = error_set(err, ERR_UNTRUSTED,
				      "module signature: a certificate names another key than "
				      "that of its issuer");
	}
	return r;
}

/* From the signer's certificate upwards, as far as the signature brings them along. One that signed
 * itself ends a chain for good. */
static int add_chain(struct key_lookups *lookups, STACK_OF(X509) * certs, CMS_SignerInfo *info,
		     struct error *err)
{
	X509 *cert = find_signer(certs, info), *last = NULL;
	int r = 0;

	for (int steps = 0; r == 0 && cert && steps < SIGNATURE_CHAIN_MAX; steps++) {
		r = add_cert(lookups, cert, true, err);
		last = cert;
		if (r == 0 && is_self_signed(cert))
			return 0;
		if (r == 0)
			r = find_issuer(certs, last, &cert, err);
	}
	return r == 0 && last ? add_authority(lookups, last, err) : r;
}

static int add_signer(struct key_lookups *lookups, CMS_SignerInfo *info, struct error *err)
{
	_cleanup_key_lookup_ struct key_lookup signer = { 0 };
	ASN1_OCTET_STRING *key_id = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;
	bool failed = false;

	if (CMS_SignerInfo_get0_signer_id(info, &key_id, &issuer, &serial) != 1)
		return error_set(err, ERR_INVALID, "module signature: names no signer");
	signer.id = key_id ? octets_id(key_id, &failed) : make_id(serial, issuer);
	if (!signer.id)
		return failed ? no_memory(err)
			      : error_set(err, ERR_TOO_LARGE,
					  "module signature: its signer's name is too long");
	if (key_id && !(signer.key_id = strdup(signer.id)))
		return no_memory(err);
	signer.signer = true;
	return add(lookups, &signer, err);
}

int key_lookup_signature(const struct signature_parts *parts, struct key_lookups *ret,
			 struct error *err)
{
	_cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *cms = NULL;
	_cleanup_certificates_ STACK_OF(X509) *certs = NULL;
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	CMS_SignerInfo *info = NULL;
	int r = cms_parse(parts, &cms, &info, err);

	if (r < 0)
		return r;
	certs = CMS_get1_certs(cms);
	r = add_chain(&lookups, certs, info, err);
	if (r == 0)
		r = add_signer(&lookups, info, err);
	ERR_clear_error();
	if (r < 0)
		return r;
	*ret = lookups;
	lookups.n = 0;
	return 0;
}

int key_lookup_certificate(const char *cert_pem, struct key_lookups *ret, struct error *err)
{
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	_cleanup_(X509_freep) X509 *cert = NULL;
	int r = certificate_read(cert_pem, &cert, err);

	if (r == 0)
		r = add_cert(&lookups, cert, false, err);
	if (r == 0 && !is_self_signed(cert))
		r = add_authority(&lookups, cert, err);
	if (r < 0)
		return r;
	*ret = lookups;
	lookups.n = 0;
	return 0;
}
