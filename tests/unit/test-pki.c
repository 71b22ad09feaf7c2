/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "server/pki.h"

#define NOW  INT64_C(1795000000)
#define DAY  86400
#define UUID "01234567-89ab-4def-8123-456789abcdef"

static struct pki *open_pki(const char *dir, const char *const *names, size_t n, int64_t now)
{
	struct error err = { 0 };
	struct pki *pki = NULL;

	assert_ok(pki_open(dir, names, n, now, &pki, &err), &err);
	return pki;
}

static X509 *parse(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(certificate);
	return certificate;
}

/* A request for a key, signed by a key, PEM; `digest` NULL for Ed25519. */
static char *make_csr_by(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest)
{
	X509_REQ *request = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *copy;
	long len;

	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
				   (const unsigned char *)"root", -1, -1, 0);
	X509_REQ_set_pubkey(request, key);
	assert_true(X509_REQ_sign(request, signer, digest) > 0);
	assert_int_equal(PEM_write_bio_X509_REQ(bio, request), 1);
	len = BIO_get_mem_data(bio, &data);
	copy = strndup(data, (size_t)len);
	BIO_free(bio);
	X509_REQ_free(request);
	return copy;
}

static char *make_csr(EVP_PKEY *key, const EVP_MD *digest)
{
	return make_csr_by(key, key, digest);
}

static void keeps_its_identity(void **state _unused_)
{
	char *dir = unit_make_dir();
	struct pki *first = open_pki(dir, NULL, 0, NOW), *second = open_pki(dir, NULL, 0, NOW + 5);

	assert_string_equal(pki_ca_certificate(first), pki_ca_certificate(second));
	assert_string_equal(pki_server_certificate(first), pki_server_certificate(second));
	assert_string_equal(pki_server_key(first), pki_server_key(second));
	pki_free(first);
	pki_free(second);
	unit_remove_dir(dir);
}

static void finishes_what_was_begun(void **state _unused_)
{
	static const char *const files[] = { "ca.pem", "server.key", "server.pem" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *dir = unit_make_dir(), *path = path_join(dir, files[i], NULL);
		struct pki *pki = open_pki(dir, NULL, 0, NOW);
		X509 *ca, *server;
		EVP_PKEY *key;

		pki_free(pki);
		assert_int_equal(unlink(path), 0);
		pki = open_pki(dir, NULL, 0, NOW);
		ca = parse(pki_ca_certificate(pki));
		server = parse(pki_server_certificate(pki));
		key = X509_get_pubkey(ca);
		assert_int_equal(X509_verify(server, key), 1);
		EVP_PKEY_free(key);
		X509_free(ca);
		X509_free(server);
		pki_free(pki);
		free(path);
		unit_remove_dir(dir);
	}
}

static void refuses_a_lost_key(void **state _unused_)
{
	char *dir = unit_make_dir(), *path = path_join(dir, "ca.key", NULL);
	struct error err = { 0 };
	struct pki *pki = open_pki(dir, NULL, 0, NOW);

	pki_free(TAKE_PTR(pki));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(pki_open(dir, NULL, 0, NOW, &pki, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "missing"));
	assert_false(file_exists(path));
	assert_ok(file_write_atomic(path, "junk", 4, 0600, &err), &err);
	assert_int_equal(pki_open(dir, NULL, 0, NOW, &pki, &err), ERR_INVALID);
	free(path);
	unit_remove_dir(dir);
}

static void names_are_in_the_certificate(void **state _unused_)
{
	static const char *const names[] = { "10.0.2.2", "patches.example.org", "fd00::1" };
	char *dir = unit_make_dir();
	struct pki *pki = open_pki(dir, names, ARRAY_SIZE(names), NOW);
	X509 *server = parse(pki_server_certificate(pki));

	assert_int_equal(X509_check_ip_asc(server, "10.0.2.2", 0), 1);
	assert_int_equal(X509_check_ip_asc(server, "fd00::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(server, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_host(server, "patches.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(server, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(server, "example.org", 0, 0, NULL), 0);
	X509_free(server);
	pki_free(pki);
	unit_remove_dir(dir);
}

static void bad_names(void **state _unused_)
{
	static const char *const names[] = { "",   "a b", "a,DNS:evil.org", "a\nb",
					     "-a", "a/b", "a..example.org" };
	char *dir = unit_make_dir();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct pki *pki = NULL;

		assert_int_equal(pki_open(dir, &names[i], 1, NOW, &pki, NULL), ERR_INVALID);
		assert_null(pki);
	}
	unit_remove_dir(dir);
}

static void renewal_keeps_key_and_names(void **state _unused_)
{
	static const char *const names[] = { "patches.example.org" };
	char *dir = unit_make_dir();
	struct pki *first = open_pki(dir, names, 1, NOW);
	int64_t edge = NOW + (int64_t)(PKI_SERVER_DAYS - PKI_SERVER_RENEW) * DAY;
	struct pki *before = open_pki(dir, NULL, 0, edge - DAY), *after;
	X509 *server;

	assert_string_equal(pki_server_certificate(first), pki_server_certificate(before));
	after = open_pki(dir, NULL, 0, edge + DAY);
	assert_string_not_equal(pki_server_certificate(first), pki_server_certificate(after));
	assert_string_equal(pki_server_key(first), pki_server_key(after));
	server = parse(pki_server_certificate(after));
	assert_int_equal(X509_check_host(server, "patches.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(server, "127.0.0.1", 0), 1);
	X509_free(server);
	pki_free(first);
	pki_free(before);
	pki_free(after);
	unit_remove_dir(dir);
}

static void machine_certificate(void **state _unused_)
{
	_cleanup_pki_certificate_ struct pki_certificate signed_one = { 0 };
	char *dir = unit_make_dir(), name[64];
	struct pki *pki = open_pki(dir, NULL, 0, NOW);
	struct error err = { 0 };
	EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key;
	char *csr = make_csr(key, EVP_sha256());
	X509 *certificate, *ca = parse(pki_ca_certificate(pki));

	assert_ok(pki_sign_machine(pki, csr, UUID, NOW, &signed_one, &err), &err);
	certificate = parse(signed_one.pem);
	ca_key = X509_get_pubkey(ca);
	assert_int_equal(X509_verify(certificate, ca_key), 1);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), key), 1);
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
				  sizeof(name));
	assert_string_equal(name, UUID);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(certificate)), 1);
	assert_int_equal(X509_check_purpose(certificate, X509_PURPOSE_SSL_CLIENT, 0), 1);
	assert_int_equal(X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0), 0);
	assert_int_equal(X509_check_ca(certificate), 0);
	assert_int_equal(signed_one.not_after, NOW + (int64_t)PKI_MACHINE_DAYS * DAY);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	X509_free(certificate);
	X509_free(ca);
	free(csr);
	pki_free(pki);
	unit_remove_dir(dir);
}

static void only_p256(void **state _unused_)
{
	struct {
		EVP_PKEY *key;
		const EVP_MD *digest;
		int result;
	} cases[] = {
		{ EVP_EC_gen("P-256"), EVP_sha256(), 0 },
		{ EVP_EC_gen("P-384"), EVP_sha256(), ERR_INVALID },
		{ EVP_EC_gen("secp256k1"), EVP_sha256(), ERR_INVALID },
		{ EVP_RSA_gen(2048), EVP_sha256(), ERR_INVALID },
		{ EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, ERR_INVALID },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *csr = make_csr(cases[i].key, cases[i].digest);

		assert_int_equal(pki_check_request(csr, NULL), cases[i].result);
		EVP_PKEY_free(cases[i].key);
		free(csr);
	}
}

static void broken_requests(void **state _unused_)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *csr = make_csr(key, EVP_sha256()), *middle = strchr(csr + 60, '\n') - 3;
	char *big = malloc(PKI_CSR_MAX + 2);

	assert_int_equal(pki_check_request(csr, NULL), 0);
	/* One letter of the signed part. */
	*middle = *middle == 'A' ? 'B' : 'A';
	assert_int_equal(pki_check_request(csr, NULL), ERR_INVALID);
	assert_int_equal(pki_check_request("", NULL), ERR_INVALID);
	assert_int_equal(pki_check_request("-----BEGIN CERTIFICATE REQUEST-----\n", NULL),
			 ERR_INVALID);
	memset(big, 'a', PKI_CSR_MAX + 1);
	big[PKI_CSR_MAX + 1] = 0;
	assert_int_equal(pki_check_request(big, NULL), ERR_TOO_LARGE);
	free(big);
	free(csr);
	EVP_PKEY_free(key);
}

/* Who does not have the key gets no certificate for it. */
static void request_signed_by_another_key(void **state _unused_)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	char *csr = make_csr_by(key, other, EVP_sha256());
	struct error err = { 0 };

	assert_int_equal(pki_check_request(csr, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "signature"));
	free(csr);
	EVP_PKEY_free(other);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_identity),
		cmocka_unit_test(finishes_what_was_begun),
		cmocka_unit_test(refuses_a_lost_key),
		cmocka_unit_test(names_are_in_the_certificate),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(renewal_keeps_key_and_names),
		cmocka_unit_test(machine_certificate),
		cmocka_unit_test(only_p256),
		cmocka_unit_test(broken_requests),
		cmocka_unit_test(request_signed_by_another_key),
	};

	return cmocka_run_group_tests_name("pki", tests, NULL, NULL);
}
