/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuf/key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/json.h"
#include "tuf/canonical.h"
#include "tuf/key_internal.h"

#define RSA_BITS_MIN     2048
#define RSA_BITS_MAX     4096
#define RSA_BITS_DEFAULT 3072

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);

static const struct {
	const char *name;    /* on the command line */
	const char *keytype; /* in metadata */
	const char *scheme;
} kinds[] = {
	[TUF_KEY_ED25519] = { "ed25519", "ed25519", "ed25519" },
	[TUF_KEY_ECDSA_P256] = { "ecdsa-p256", "ecdsa", "ecdsa-sha2-nistp256" },
	[TUF_KEY_RSA] = { "rsa", "rsa", "rsassa-pss-sha256" },
};

void tuf_key_free(struct tuf_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	json_decref(key->object);
	free(key);
}

static bool is_p256(const EVP_PKEY *pkey)
{
	char group[64];

	return EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
	       (streq(group, "prime256v1") || streq(group, "P-256"));
}

/* Which of our types an OpenSSL key is. */
static int classify(const EVP_PKEY *pkey, enum tuf_key_type *ret, struct error *err)
{
	int bits = EVP_PKEY_get_bits(pkey);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_ED25519: *ret = TUF_KEY_ED25519; return 0;
	case EVP_PKEY_EC:
		if (!is_p256(pkey))
			return error_set(err, ERR_UNSUPPORTED, "key: only the curve P-256 is used");
		*ret = TUF_KEY_ECDSA_P256;
		return 0;
	case EVP_PKEY_RSA:
		if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
			return error_set(err, ERR_UNSUPPORTED,
					 "key: RSA of %d bits; %d to %d are accepted", bits,
					 RSA_BITS_MIN, RSA_BITS_MAX);
		*ret = TUF_KEY_RSA;
		return 0;
	default: return error_set(err, ERR_UNSUPPORTED, "key: neither Ed25519, P-256 nor RSA");
	}
}

/* The text of keyval.public: hexadecimal for Ed25519, PEM for the others. */
static int public_text(const EVP_PKEY *pkey, enum tuf_key_type type, char **ret)
{
	if (type == TUF_KEY_ED25519) {
		uint8_t raw[TUF_ED25519_LEN];
		size_t len = sizeof(raw);
		_cleanup_free_ char *hex = calloc(1, 2 * sizeof(raw) + 1);

		if (!hex || EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1 || len != sizeof(raw))
			return ERR_NO_MEMORY;
		hex_encode(raw, sizeof(raw), hex);
		*ret = TAKE_PTR(hex);
		return 0;
	}

	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!bio || PEM_write_bio_PUBKEY(bio, (EVP_PKEY *)pkey) != 1)
		return ERR_NO_MEMORY;
	len = BIO_get_mem_data(bio, &data);
	*ret = len > 0 ? strndup(data, (size_t)len) : NULL;
	return *ret ? 0 : ERR_NO_MEMORY;
}

static int compute_id(struct tuf_key *key, struct error *err)
{
	_cleanup_buf_ struct buf canonical = BUF_INIT(TUF_KEY_PEM_MAX * 4);
	int r = tuf_canonical(key->object, &canonical, err);

	if (r < 0)
		return r;
	return hash_sha256_hex(canonical.data, canonical.len, key->id);
}

int tuf_key_adopt(EVP_PKEY *pkey, bool has_private, struct tuf_key **ret, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *owned = pkey;
	_cleanup_tuf_key_ struct tuf_key *key = calloc(1, sizeof(*key));
	_cleanup_free_ char *text = NULL;
	int r;

	if (!key)
		return error_set(err, ERR_NO_MEMORY, "key: no memory");
	r = classify(owned, &key->type, err);
	if (r < 0)
		return r;
	r = public_text(owned, key->type, &text);
	if (r < 0)
		return error_set(err, r, "key: no memory");
	key->object = json_pack("{s:s, s:s, s:{s:s}}", "keytype", kinds[key->type].keytype,
				"scheme", kinds[key->type].scheme, "keyval", "public", text);
	if (!key->object)
		return error_set(err, ERR_NO_MEMORY, "key: no memory");
	r = compute_id(key, err);
	if (r < 0)
		return r;
	key->has_private = has_private;
	key->pkey = TAKE_PTR(owned);
	*ret = TAKE_PTR(key);
	return 0;
}

int tuf_key_generate(enum tuf_key_type type, unsigned bits, struct tuf_key **ret, struct error *err)
{
	EVP_PKEY *pkey = NULL;

	if (bits == 0)
		bits = RSA_BITS_DEFAULT;
	if (type == TUF_KEY_RSA && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
		return error_set(err, ERR_INVALID, "key: RSA wants %d to %d bits", RSA_BITS_MIN,
				 RSA_BITS_MAX);
	switch (type) {
	case TUF_KEY_ED25519: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); break;
	case TUF_KEY_ECDSA_P256: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); break;
	case TUF_KEY_RSA: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits); break;
	}
	ERR_clear_error();
	if (!pkey)
		return error_set(err, ERR_NO_MEMORY, "key: OpenSSL could not make one");
	return tuf_key_adopt(pkey, true, ret, err);
}

/* A passphrase is never asked for on the terminal. */
static int no_passphrase(char *buffer, int size, int rwflag, void *user)
{
	(void)buffer, (void)size, (void)rwflag, (void)user;
	return -1;
}

int tuf_key_from_private_pem(const void *pem, size_t len, struct tuf_key **ret, struct error *err)
{
	if (len == 0 || len > TUF_KEY_PEM_MAX)
		return error_set(err, ERR_INVALID, "key: not a PEM private key");

	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (!pkey)
		return error_set(err, ERR_INVALID, "key: not a PEM private key without passphrase");
	return tuf_key_adopt(pkey, true, ret, err);
}

int tuf_key_private_pem(const struct tuf_key *key, struct buf *out, struct error *err)
{
	if (!key->has_private)
		return error_set(err, ERR_BAD_STATE, "key %.8s: the private part is not here",
				 key->id);

	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_secmem());
	char *data;
	long len;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return error_set(err, ERR_NO_MEMORY, "key: OpenSSL could not write it");
	len = BIO_get_mem_data(bio, &data);
	return buf_append(out, data, (size_t)len);
}

static int read_public_pem(const char *text, EVP_PKEY **ret)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(text, (int)strlen(text));

	*ret = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;
	ERR_clear_error();
	return *ret ? 0 : ERR_INVALID;
}

static int read_public(enum tuf_key_type type, const char *text, EVP_PKEY **ret)
{
	uint8_t raw[TUF_ED25519_LEN];

	if (type != TUF_KEY_ED25519)
		return read_public_pem(text, ret);
	if (hex_decode(text, sizeof(raw), raw) < 0)
		return ERR_INVALID;
	*ret = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw));
	ERR_clear_error();
	return *ret ? 0 : ERR_INVALID;
}

static int find_kind(const char *keytype, const char *scheme, enum tuf_key_type *ret)
{
	/* Before 1.0.31 the specification wrote the scheme into keytype too. */
	if (streq(keytype, "ecdsa-sha2-nistp256"))
		keytype = "ecdsa";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (streq(kinds[i].keytype, keytype) && streq(kinds[i].scheme, scheme)) {
			*ret = (enum tuf_key_type)i;
			return 0;
		}
	}
	return ERR_UNSUPPORTED;
}

int tuf_key_from_json(const json_t *object, struct tuf_key **ret, struct error *err)
{
	_cleanup_tuf_key_ struct tuf_key *key = calloc(1, sizeof(*key));
	const char *keytype, *scheme, *text;
	enum tuf_key_type actual;
	json_t *keyval;
	int r;

	if (!key)
		return error_set(err, ERR_NO_MEMORY, "key: no memory");
	r = json_get_str(object, "keytype", 64, &keytype, err);
	if (r == 0)
		r = json_get_str(object, "scheme", 64, &scheme, err);
	if (r == 0)
		r = json_get_object(object, "keyval", 16, &keyval, err);
	if (r == 0)
		r = json_get_str(keyval, "public", TUF_KEY_PEM_MAX, &text, err);
	if (r < 0)
		return r;
	if (find_kind(keytype, scheme, &key->type) < 0)
		return error_set(err, ERR_UNSUPPORTED,
				 "key: type %s with scheme %s is not supported", keytype, scheme);
	if (read_public(key->type, text, &key->pkey) < 0)
		return error_set(err, ERR_INVALID, "key: %s: the public part is damaged", keytype);
	r = classify(key->pkey, &actual, err);
	if (r < 0)
		return r;
	if (actual != key->type)
		return error_set(err, ERR_INVALID, "key: says %s and holds %s", keytype,
				 kinds[actual].keytype);
	key->object = json_deep_copy(object);
	if (!key->object)
		return error_set(err, ERR_NO_MEMORY, "key: no memory");
	r = compute_id(key, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(key);
	return 0;
}

json_t *tuf_key_to_json(const struct tuf_key *key)
{
	return json_deep_copy(key->object);
}

const char *tuf_key_id(const struct tuf_key *key)
{
	return key->id;
}

enum tuf_key_type tuf_key_type(const struct tuf_key *key)
{
	return key->type;
}

const char *tuf_key_type_name(enum tuf_key_type type)
{
	return kinds[type].name;
}

int tuf_key_type_parse(const char *name, enum tuf_key_type *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (streq(kinds[i].name, name)) {
			*ret = (enum tuf_key_type)i;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

bool tuf_key_has_private(const struct tuf_key *key)
{
	return key->has_private;
}

bool tuf_key_same(const struct tuf_key *a, const struct tuf_key *b)
{
	return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

/* RSA-PSS as the scheme names it: MGF1 with SHA-256; a salt of digest length is written, any length
 * is accepted. */
static int set_pss(EVP_PKEY_CTX *ctx, int salt)
{
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) != 1)
		return ERR_INVALID;
	return 0;
}

int tuf_key_sign(const struct tuf_key *key, const void *data, size_t len, struct buf *out,
		 struct error *err)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = key->type == TUF_KEY_ED25519 ? NULL : EVP_sha256();
	uint8_t sig[TUF_SIG_MAX];
	size_t sig_len = sizeof(sig);
	EVP_PKEY_CTX *pctx;

	if (!key->has_private)
		return error_set(err, ERR_BAD_STATE, "key %.8s: the private part is not here",
				 key->id);
	if (!ctx || EVP_DigestSignInit(ctx, &pctx, md, NULL, key->pkey) != 1 ||
	    (key->type == TUF_KEY_RSA && set_pss(pctx, RSA_PSS_SALTLEN_DIGEST) < 0) ||
	    EVP_DigestSign(ctx, sig, &sig_len, data, len) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_BAD_STATE, "key %.8s: OpenSSL could not sign", key->id);
	}
	return buf_append(out, sig, sig_len);
}

int tuf_key_verify(const struct tuf_key *key, const void *data, size_t len, const void *sig,
		   size_t sig_len)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = key->type == TUF_KEY_ED25519 ? NULL : EVP_sha256();
	EVP_PKEY_CTX *pctx;
	bool ok;

	ok = ctx && EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key->pkey) == 1 &&
	     (key->type != TUF_KEY_RSA || set_pss(pctx, RSA_PSS_SALTLEN_AUTO) == 0) &&
	     EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;
	ERR_clear_error();
	return ok ? 0 : ERR_SIGNATURE;
}
