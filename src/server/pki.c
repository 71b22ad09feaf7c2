/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/pki.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"

#define PEM_FILE_MAX ((size_t)32 * 1024)
#define DAY          86400

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);
DEFINE_CLEANUP(BIO *, BIO_free);
DEFINE_CLEANUP(BIGNUM *, BN_free);
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free);

struct pki {
	EVP_PKEY *ca_key;
	X509 *ca;
	char *ca_pem, *server_pem, *server_key_pem;
};

void pki_free(struct pki *pki)
{
	if (!pki)
		return;
	EVP_PKEY_free(pki->ca_key);
	X509_free(pki->ca);
	free(pki->ca_pem);
	free(pki->server_pem);
	if (pki->server_key_pem)
		explicit_bzero(pki->server_key_pem, strlen(pki->server_key_pem));
	free(pki->server_key_pem);
	free(pki);
}

void pki_certificate_clear(struct pki_certificate *certificate)
{
	free(certificate->pem);
	*certificate = (struct pki_certificate){ 0 };
}

const char *pki_ca_certificate(const struct pki *pki)
{
	return pki->ca_pem;
}

const char *pki_server_certificate(const struct pki *pki)
{
	return pki->server_pem;
}

const char *pki_server_key(const struct pki *pki)
{
	return pki->server_key_pem;
}

/* libcrypto's last reason, with its queue emptied. */
static int crypto_error(struct error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return error_set(err, ERR_INVALID, "%s: %s", what, reason ? reason : "libcrypto failed");
}

/* The bytes of a memory BIO as a string, the caller's. */
static char *bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return len > 0 ? strndup(data, (size_t)len) : NULL;
}

static char *certificate_pem(X509 *certificate)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());

	return bio && PEM_write_bio_X509(bio, certificate) == 1 ? bio_text(bio) : NULL;
}

static char *key_pem(EVP_PKEY *key)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return NULL;
	return bio_text(bio);
}

/* No pass phrase is ever asked for. */
static int no_password(char *buffer _unused_, int size _unused_, int writing _unused_,
		       void *user _unused_)
{
	return -1;
}

static int parse_key(const char *pem, EVP_PKEY **ret, const char *what, struct error *err)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	if (!key)
		return crypto_error(err, what);
	*ret = key;
	return 0;
}

static int parse_certificate(const char *pem, X509 **ret, const char *what, struct error *err)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

	if (!certificate)
		return crypto_error(err, what);
	*ret = certificate;
	return 0;
}

/* A file's text, or NULL in *ret when there is no such file. */
static int read_optional(const char *path, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(PEM_FILE_MAX);
	int r = file_read(path, &text, err);

	*ret = NULL;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*ret = (char *)buf_take(&text, NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "%s: out of memory", path);
}

/* Reads a key, or makes a P-256 one and writes it. `ret_pem` may be NULL. */
static int open_key(const char *path, EVP_PKEY **ret, char **ret_pem, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_free_ char *pem = NULL;
	int r = read_optional(path, &pem, err);

	if (r < 0)
		return r;
	if (pem) {
		r = parse_key(pem, &key, path, err);
	} else {
		key = EVP_EC_gen("P-256");
		pem = key ? key_pem(key) : NULL;
		r = pem ? file_write_atomic(path, pem, strlen(pem), 0600, err)
			: crypto_error(err, "making a key");
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(key);
	if (ret_pem)
		*ret_pem = TAKE_PTR(pem);
	else
		explicit_bzero(pem, strlen(pem));
	return 0;
}

static int set_serial(X509 *certificate)
{
	_cleanup_(BN_freep) BIGNUM *number = BN_new();

	/* RFC 5280, 4.1.2.2: positive, at most 20 octets; 159 random bits. */
	return number && BN_rand(number, 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	_cleanup_(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	return extension && X509_add_ext(certificate, extension, -1) == 1;
}

/* What a certificate says, besides its key. */
struct contents {
	const char *common_name;
	int days;
	const char *basic_constraints, *key_usage, *extended_key_usage, *names; /* NULL: none */
};

/* Makes and signs a certificate; `issuer` NULL: by itself. */
static int make_certificate(const struct contents *contents, EVP_PKEY *subject_key, X509 *issuer,
			    EVP_PKEY *issuer_key, int64_t now, X509 **ret, struct error *err)
{
	_cleanup_(X509_freep) X509 *certificate = X509_new();
	X509 *by = issuer ? issuer : certificate;
	X509_NAME *name;
	bool ok;

	if (!certificate)
		return error_set(err, ERR_NO_MEMORY, "certificate: out of memory");
	name = X509_get_subject_name(certificate);
	ok = X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					(const unsigned char *)contents->common_name, -1, -1,
					0) == 1 &&
	     X509_set_issuer_name(certificate, X509_get_subject_name(by)) == 1 &&
	     ASN1_TIME_set(X509_getm_notBefore(certificate), now - PKI_BACKDATE) != NULL &&
	     ASN1_TIME_set(X509_getm_notAfter(certificate), now + (int64_t)contents->days * DAY) !=
		     NULL &&
	     X509_set_pubkey(certificate, subject_key) == 1 &&
	     add_extension(certificate, by, NID_basic_constraints, contents->basic_constraints) &&
	     add_extension(certificate, by, NID_key_usage, contents->key_usage) &&
	     add_extension(certificate, by, NID_subject_key_identifier, "hash") &&
	     add_extension(certificate, by, NID_authority_key_identifier, "keyid:always") &&
	     (!contents->extended_key_usage ||
	      add_extension(certificate, by, NID_ext_key_usage, contents->extended_key_usage)) &&
	     (!contents->names ||
	      add_extension(certificate, by, NID_subject_alt_name, contents->names)) &&
	     X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
	if (!ok)
		return crypto_error(err, "making a certificate");
	*ret = TAKE_PTR(certificate);
	return 0;
}

static int save_certificate(X509 *certificate, const char *path, char **ret_pem, struct error *err)
{
	_cleanup_free_ char *pem = certificate_pem(certificate);
	int r;

	if (!pem)
		return crypto_error(err, path);
	r = file_write_atomic(path, pem, strlen(pem), 0644, err);
	if (r < 0)
		return r;
	*ret_pem = TAKE_PTR(pem);
	return 0;
}

static int make_ca(struct pki *pki, const char *path, int64_t now, struct error *err)
{
	struct contents contents = {
		.days = PKI_CA_DAYS,
		.basic_constraints = "critical,CA:TRUE,pathlen:0",
		.key_usage = "critical,keyCertSign,cRLSign",
	};
	char name[64], digits[17];
	uint8_t random[8];
	int r = random_bytes(random, sizeof(random), err);

	if (r < 0)
		return r;
	hex_encode(random, sizeof(random), digits);
	snprintf(name, sizeof(name), "Suture server CA %s", digits);
	contents.common_name = name;
	r = make_certificate(&contents, pki->ca_key, NULL, pki->ca_key, now, &pki->ca, err);
	return r < 0 ? r : save_certificate(pki->ca, path, &pki->ca_pem, err);
}

static int open_ca(struct pki *pki, const char *dir, int64_t now, struct error *err)
{
	_cleanup_free_ char *key_path = path_join(dir, "ca.key", NULL);
	_cleanup_free_ char *path = path_join(dir, "ca.pem", NULL);
	int r;

	if (!key_path || !path)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", dir);
	r = read_optional(path, &pki->ca_pem, err);
	if (r < 0)
		return r;
	/* The key is written first: a certificate without one is a loss, not a first start. */
	if (pki->ca_pem && !file_exists(key_path))
		return error_set(err, ERR_INVALID, "%s: the key of %s is missing", key_path, path);
	r = open_key(key_path, &pki->ca_key, NULL, err);
	if (r < 0)
		return r;
	if (!pki->ca_pem)
		return make_ca(pki, path, now, err);
	r = parse_certificate(pki->ca_pem, &pki->ca, path, err);
	if (r < 0)
		return r;
	if (X509_check_private_key(pki->ca, pki->ca_key) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_INVALID, "%s: is not the key of %s", key_path, path);
	}
	return 0;
}

static bool is_ip(const char *name)
{
	uint8_t address[16];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (is_ip(name))
		return true;
	return len >= 1 && len <= 253 && name[0] != '.' && name[0] != '-' && !strstr(name, "..") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") ==
		       len;
}

static const char *const own_names[] = { "localhost", "127.0.0.1", "::1" };

/* "DNS:…,IP:…" of all names. */
static int format_names(const char *const *names, size_t n, struct buf *out, struct error *err)
{
	int r = 0;

	if (n > PKI_NAMES_MAX)
		return error_set(err, ERR_TOO_LARGE, "%zu server names, at most %d are allowed", n,
				 PKI_NAMES_MAX);
	for (size_t i = 0; i < n + ARRAY_SIZE(own_names) && r == 0; i++) {
		const char *name = i < n ? names[i] : own_names[i - n];

		if (!name_is_valid(name))
			return error_set(err, ERR_INVALID,
					 "server name \"%s\": neither a DNS name nor an IP address",
					 name);
		r = buf_printf(out, "%s%s:%s", i ? "," : "", is_ip(name) ? "IP" : "DNS", name);
	}
	return r < 0 ? error_set(err, r, "server names: too long") : 0;
}

static bool has_name(X509 *certificate, const char *name)
{
	if (is_ip(name))
		return X509_check_ip_asc(certificate, name, 0) == 1;
	return X509_check_host(certificate, name, 0, 0, NULL) == 1;
}

/* True when the certificate can serve as it is. */
static bool server_certificate_fits(const struct pki *pki, X509 *certificate, EVP_PKEY *key,
				    const char *const *names, size_t n, int64_t now)
{
	time_t limit = now + (int64_t)PKI_SERVER_RENEW * DAY;
	bool fits = X509_check_private_key(certificate, key) == 1 &&
		    X509_verify(certificate, pki->ca_key) == 1 &&
		    X509_cmp_time(X509_get0_notAfter(certificate), &limit) > 0;

	for (size_t i = 0; i < n && fits; i++)
		fits = has_name(certificate, names[i]);
	ERR_clear_error();
	return fits;
}

/* "DNS:…,IP:…" of a certificate that is to be replaced, so that a renewal keeps its names. */
static int old_names(X509 *certificate, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int r = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && r == 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const char *comma = out->len ? "," : "";
		char text[INET6_ADDRSTRLEN];

		if (name->type == GEN_DNS) {
			r = buf_printf(out, "%sDNS:%.*s", comma,
				       ASN1_STRING_length(name->d.dNSName),
				       (const char *)ASN1_STRING_get0_data(name->d.dNSName));
		} else if (name->type == GEN_IPADD) {
			int len = ASN1_STRING_length(name->d.iPAddress);

			if ((len == 4 || len == 16) &&
			    inet_ntop(len == 4 ? AF_INET : AF_INET6,
				      ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof(text)))
				r = buf_printf(out, "%sIP:%s", comma, text);
		}
	}
	GENERAL_NAMES_free(names);
	return r;
}

static int make_server(struct pki *pki, const char *path, EVP_PKEY *key, const char *names,
		       const char *first, int64_t now, struct error *err)
{
	struct contents contents = {
		.common_name = strlen(first) <= 64 ? first : "suture-server",
		.days = PKI_SERVER_DAYS,
		.basic_constraints = "critical,CA:FALSE",
		.key_usage = "critical,digitalSignature",
		.extended_key_usage = "serverAuth",
		.names = names,
	};
	_cleanup_(X509_freep) X509 *certificate = NULL;
	int r = make_certificate(&contents, key, pki->ca, pki->ca_key, now, &certificate, err);

	return r < 0 ? r : save_certificate(certificate, path, &pki->server_pem, err);
}

static int open_server(struct pki *pki, const char *dir, const char *const *names, size_t n,
		       int64_t now, struct error *err)
{
	_cleanup_free_ char *key_path = path_join(dir, "server.key", NULL);
	_cleanup_free_ char *path = path_join(dir, "server.pem", NULL);
	_cleanup_buf_ struct buf list = BUF_INIT(PEM_FILE_MAX);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(X509_freep) X509 *old = NULL;
	_cleanup_free_ char *pem = NULL;
	int r;

	if (!key_path || !path)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", dir);
	r = format_names(names, n, &list, err);
	if (r == 0)
		r = open_key(key_path, &key, &pki->server_key_pem, err);
	if (r == 0)
		r = read_optional(path, &pem, err);
	if (r == 0 && pem)
		r = parse_certificate(pem, &old, path, err);
	if (r < 0)
		return r;
	if (old && server_certificate_fits(pki, old, key, names, n, now)) {
		pki->server_pem = TAKE_PTR(pem);
		return 0;
	}
	if (old && n == 0) {
		buf_clear(&list);
		if (old_names(old, &list) < 0)
			return error_set(err, ERR_INVALID, "%s: its names are not readable", path);
	}
	return make_server(pki, path, key, buf_str(&list), n ? names[0] : "suture-server", now,
			   err);
}

int pki_open(const char *dir, const char *const *names, size_t n_names, int64_t now,
	     struct pki **ret, struct error *err)
{
	_cleanup_pki_ struct pki *pki = calloc(1, sizeof(*pki));
	int r;

	if (!pki)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", dir);
	r = file_make_dirs(dir, 0700, err);
	if (r == 0)
		r = open_ca(pki, dir, now, err);
	if (r == 0)
		r = open_server(pki, dir, names, n_names, now, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pki);
	return 0;
}

/* The key must be P-256 by its name: a curve spelled out in parameters may be a weak one in
 * disguise, and no client needs it. */
static bool key_is_p256(const EVP_PKEY *key)
{
	char group[64], encoding[64];
	size_t len;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					      &len) == 1 &&
	       streq(group, SN_X9_62_prime256v1) &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
					      sizeof(encoding), &len) == 1 &&
	       streq(encoding, OSSL_PKEY_EC_ENCODING_GROUP);
}

static int parse_request(const char *csr, X509_REQ **ret, struct error *err)
{
	_cleanup_(BIO_freep) BIO *bio = NULL;
	_cleanup_(X509_REQ_freep) X509_REQ *request = NULL;
	EVP_PKEY *key;

	if (strnlen(csr, PKI_CSR_MAX + 1) > PKI_CSR_MAX)
		return error_set(err, ERR_TOO_LARGE, "csr: over %zu bytes", PKI_CSR_MAX);
	bio = BIO_new_mem_buf(csr, -1);
	request = bio ? PEM_read_bio_X509_REQ(bio, NULL, no_password, NULL) : NULL;
	if (!request)
		return crypto_error(err, "csr");
	key = X509_REQ_get0_pubkey(request);
	if (!key || !key_is_p256(key)) {
		ERR_clear_error();
		return error_set(err, ERR_INVALID, "csr: its key is not ECDSA P-256");
	}
	if (X509_REQ_verify(request, key) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_INVALID, "csr: its signature is wrong");
	}
	*ret = TAKE_PTR(request);
	return 0;
}

int pki_check_request(const char *csr, struct error *err)
{
	_cleanup_(X509_REQ_freep) X509_REQ *request = NULL;

	return parse_request(csr, &request, err);
}

int pki_sign_machine(const struct pki *pki, const char *csr, const char *machine_id, int64_t now,
		     struct pki_certificate *ret, struct error *err)
{
	struct contents contents = {
		.common_name = machine_id,
		.days = PKI_MACHINE_DAYS,
		.basic_constraints = "critical,CA:FALSE",
		.key_usage = "critical,digitalSignature",
		.extended_key_usage = "clientAuth",
	};
	_cleanup_pki_certificate_ struct pki_certificate made = { 0 };
	_cleanup_(X509_REQ_freep) X509_REQ *request = NULL;
	_cleanup_(X509_freep) X509 *certificate = NULL;
	unsigned int len = SHA256_LEN;
	int r = parse_request(csr, &request, err);

	if (r == 0)
		r = make_certificate(&contents, X509_REQ_get0_pubkey(request), pki->ca, pki->ca_key,
				     now, &certificate, err);
	if (r < 0)
		return r;
	made.pem = certificate_pem(certificate);
	made.not_after = now + (int64_t)PKI_MACHINE_DAYS * DAY;
	if (!made.pem || X509_digest(certificate, EVP_sha256(), made.sha256, &len) != 1)
		return crypto_error(err, "certificate of a machine");
	*ret = made;
	made.pem = NULL;
	return 0;
}
