/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/key_lookup.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/hash.h"
#include "module/cms.h"

/* Longest identifier, in bytes; keyctl(2) takes descriptions of up to 4095. */
#define ID_MAX 2000

void key_lookups_clear(struct key_lookups *lookups)
{
	for (size_t i = 0; i < lookups->n; i++) {
		free(lookups->items[i].id);
		free(lookups->items[i].key_id);
	}
	lookups->n = 0;
}

static char *to_hex(const void *data, size_t len)
{
	char *text = malloc(len * 2 + 1);

	if (text)
		hex_encode(data, len, text);
	return text;
}

/* Takes the two over; NULL among those that are wanted is a lack of memory. */
static int add(struct key_lookups *lookups, char *id, char *key_id, bool want_key_id,
	       struct error *err)
{
	struct key_lookup *item = &lookups->items[lookups->n];

	if (!id || (want_key_id && !key_id) || lookups->n == KEY_LOOKUPS_MAX) {
		free(id);
		free(key_id);
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	*item = (struct key_lookup){ .id = id, .key_id = key_id };
	lookups->n++;
	return 0;
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

static int add_octets(struct key_lookups *lookups, const ASN1_OCTET_STRING *octets,
		      struct error *err)
{
	if (octets->length <= 0 || octets->length > ID_MAX)
		return error_set(err, ERR_INVALID, "module signature: a key identifier of %d bytes",
				 octets->length);
	return add(lookups, to_hex(octets->data, (size_t)octets->length), NULL, false, err);
}

/* A certificate as itself: identifier, and its subject key identifier where it has one. */
static int add_cert(struct key_lookups *lookups, X509 *cert, struct error *err)
{
	const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(cert);
	bool has = key_id && key_id->length > 0 && key_id->length <= ID_MAX;
	char *id = make_id(X509_get0_serialNumber(cert), X509_get_issuer_name(cert));

	if (!id)
		return error_set(err, ERR_TOO_LARGE, "certificate: its issuer's name is too long");
	return add(lookups, id, has ? to_hex(key_id->data, (size_t)key_id->length) : NULL, has,
		   err);
}

/* The key that issued the last certificate of a chain, as that one names it. */
static int add_authority(struct key_lookups *lookups, X509 *last, struct error *err)
{
	const ASN1_OCTET_STRING *key_id = X509_get0_authority_key_id(last);

	return key_id && key_id->length > 0 ? add_octets(lookups, key_id, err) : 0;
}

static X509 *find_signer(STACK_OF(X509) * certs, CMS_SignerInfo *info)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(certs, i)) == 0)
			return sk_X509_value(certs, i);
	return NULL;
}

static X509 *find_issuer(STACK_OF(X509) * certs, X509 *issued)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (X509_check_issued(sk_X509_value(certs, i), issued) == X509_V_OK)
			return sk_X509_value(certs, i);
	return NULL;
}

/* From the signer's certificate upwards, as far as the signature brings them along. */
static int add_chain(struct key_lookups *lookups, STACK_OF(X509) * certs, CMS_SignerInfo *info,
		     struct error *err)
{
	X509 *cert = find_signer(certs, info), *last = NULL;
	int r = 0;

	for (int steps = 0; r == 0 && cert && cert != last && steps < SIGNATURE_CHAIN_MAX;
	     steps++) {
		r = add_cert(lookups, cert, err);
		last = cert;
		cert = find_issuer(certs, cert);
	}
	return r == 0 && last && cert != last ? add_authority(lookups, last, err) : r;
}

static int add_signer(struct key_lookups *lookups, CMS_SignerInfo *info, struct error *err)
{
	ASN1_OCTET_STRING *key_id = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;
	char *id;

	if (CMS_SignerInfo_get0_signer_id(info, &key_id, &issuer, &serial) != 1)
		return error_set(err, ERR_INVALID, "module signature: names no signer");
	if (key_id)
		return add_octets(lookups, key_id, err);
	id = make_id(serial, issuer);
	if (!id)
		return error_set(err, ERR_TOO_LARGE,
				 "module signature: its issuer's name is too long");
	return add(lookups, id, NULL, false, err);
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
		r = add_cert(&lookups, cert, err);
	if (r < 0)
		return r;
	*ret = lookups;
	lookups.n = 0;
	return 0;
}
