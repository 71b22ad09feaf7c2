/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/identity.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "base/json.h"
#include "wire/fetch_message.h"

#define IDENTITY_FILE_MAX (128 * 1024)
#define SPACE_FILE        "space.tmp"
#define KEY_MAX           4096
#define CERTIFICATE_MAX   (32 * 1024)

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);

static void wipe_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void identity_free(struct identity *identity)
{
	if (!identity)
		return;
	free(identity->url);
	free(identity->server_ca);
	wipe_free(identity->key);
	free(identity->certificate);
	free(identity);
}

static int copy_str(const json_t *object, const char *key, size_t max, char **ret,
		    struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, max, &text, err);

	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static int from_json(const json_t *object, struct identity *identity, struct error *err)
{
	int64_t format;
	int r = json_get_int(object, "format", 1, 1, &format, err);

	if (r == 0)
		r = copy_str(object, "url", FETCH_URL_MAX, &identity->url, err);
	if (r == 0)
		r = copy_str(object, "server_ca", FETCH_CA_MAX, &identity->server_ca, err);
	if (r == 0)
		r = copy_str(object, "key", KEY_MAX, &identity->key, err);
	if (r == 0)
		r = copy_str(object, "certificate", CERTIFICATE_MAX, &identity->certificate, err);
	return r;
}

int identity_load(const char *folder, struct identity **ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, IDENTITY_FILE, NULL);
	_cleanup_(identity_freep) struct identity *identity = calloc(1, sizeof(*identity));
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (!path || !identity)
		return error_set(err, ERR_NO_MEMORY, "identity: out of memory");
	if (!file_exists(path)) {
		error_set(err, ERR_BAD_STATE, "this machine is not enrolled");
		error_hint(err, "enrol it with `suture enable`");
		return ERR_BAD_STATE;
	}
	r = json_load_path(path, IDENTITY_FILE_MAX, &object, err);
	if (r == 0)
		r = from_json(object, identity, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	*ret = TAKE_PTR(identity);
	return 0;
}

int identity_save(const char *folder, const struct identity *identity, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, IDENTITY_FILE, NULL);
	_cleanup_json_ json_t *object = json_object();
	int bad = path && object ? 0 : -1;

	bad |= json_object_set_new(object, "format", json_integer(1));
	bad |= json_set_str(object, "url", identity->url);
	bad |= json_set_str(object, "server_ca", identity->server_ca);
	bad |= json_set_str(object, "key", identity->key);
	bad |= json_set_str(object, "certificate", identity->certificate);
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "identity: out of memory");
	return json_save_path(object, path, 0600, err);
}

int identity_check_space(const char *folder, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, SPACE_FILE, NULL);
	_cleanup_free_ char *zeros = calloc(1, IDENTITY_FILE_MAX);
	int r;

	if (!path || !zeros)
		return error_set(err, ERR_NO_MEMORY, "identity: out of memory");
	r = file_write_atomic(path, zeros, IDENTITY_FILE_MAX, 0600, err);
	if (r < 0)
		return r;
	return file_remove(path, err);
}

int identity_remove_leftovers(const char *folder, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, SPACE_FILE, NULL);
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "identity: out of memory");
	r = file_remove(path, err);
	return r < 0 ? r : file_remove_leftovers(folder, err);
}

int identity_remove(const char *folder, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, IDENTITY_FILE, NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "identity: out of memory");
	return file_remove(path, err);
}

/* What a memory BIO holds, as a string of the caller's; the BIO's copy is wiped. */
static char *bio_take(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	if (len <= 0)
		return NULL;
	text = strndup(data, (size_t)len);
	OPENSSL_cleanse(data, (size_t)len);
	return text;
}

static X509_REQ *make_request(EVP_PKEY *key)
{
	_cleanup_(X509_REQ_freep) X509_REQ *request = X509_REQ_new();
	X509_NAME *name;

	if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(request, key) != 1)
		return NULL;
	name = X509_REQ_get_subject_name(request);
	if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				       (const unsigned char *)"suture-machine", -1, -1, 0) != 1)
		return NULL;
	if (X509_REQ_sign(request, key, EVP_sha256()) <= 0)
		return NULL;
	return TAKE_PTR(request);
}

int identity_new_key(char **ret_key, char **ret_csr, struct error *err)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(X509_REQ_freep) X509_REQ *request = key ? make_request(key) : NULL;
	_cleanup_(BIO_free_allp) BIO *key_bio = BIO_new(BIO_s_mem());
	_cleanup_(BIO_free_allp) BIO *csr_bio = BIO_new(BIO_s_mem());
	char *key_text, *csr_text;

	if (!request || !key_bio || !csr_bio ||
	    PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    PEM_write_bio_X509_REQ(csr_bio, request) != 1)
		return error_set(err, ERR_NO_MEMORY, "making a key: OpenSSL failed");
	key_text = bio_take(key_bio);
	csr_text = bio_take(csr_bio);
	if (!key_text || !csr_text) {
		wipe_free(key_text);
		free(csr_text);
		return error_set(err, ERR_NO_MEMORY, "making a key: out of memory");
	}
	*ret_key = key_text;
	*ret_csr = csr_text;
	return 0;
}

int identity_check_pair(const char *certificate, const char *key, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *certificate_bio = BIO_new_mem_buf(certificate, -1);
	_cleanup_(BIO_free_allp) BIO *key_bio = BIO_new_mem_buf(key, -1);
	_cleanup_(X509_freep) X509 *x509 = NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

	if (!certificate_bio || !key_bio)
		return error_set(err, ERR_NO_MEMORY, "certificate: out of memory");
	x509 = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
	if (!x509)
		return error_set(err, ERR_PROTOCOL, "the server's answer holds no certificate");
	pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	if (!pkey || X509_check_private_key(x509, pkey) != 1)
		return error_set(err, ERR_PROTOCOL,
				 "the server's certificate is not for the key of this machine");
	return 0;
}
