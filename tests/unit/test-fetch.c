/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-fetch's parts that need no server: addresses, the identity, what failures mean. */
#include "unit.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include "base/file.h"
#include "fetch/failure.h"
#include "fetch/identity.h"
#include "fetch/url.h"
#include "wire/fetch_message.h"

static void only_https_addresses(void **state _unused_)
{
	static const char *const good[] = {
		"https://host",      "https://host:1",     "https://a-b.example:65535",
		"https://127.0.0.1", "https://[::1]:8443", "https://[2001:db8::1]",
	};
	static const char *const bad[] = {
		"",
		"host",
		"http://host",
		"HTTPS://host",
		"https://",
		"https:///x",
		"https://host/",
		"https://host/path",
		"https://host?x",
		"https://host#x",
		"https://user@host",
		"https://user:pw@host",
		"https://host:",
		"https://host:0",
		"https://host:08",
		"https://host:65536",
		"https://host:99999999999999999999",
		"https://host:80x",
		"https://host\\@evil",
		"https://ho st",
		"https://host\n",
		"https://.host",
		"https://-host",
		"https://h\xc3\xb6st",
		"https://[::1",
		"https://[]",
		"https://[g::1]",
		"https://[::1]x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (url_check(good[i], NULL) < 0)
			fail_msg("refused %s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (url_check(bad[i], NULL) != ERR_INVALID)
			fail_msg("accepted %s", bad[i]);
}

static void paths_stay_paths(void **state _unused_)
{
	static const struct {
		const char *path, *url;
	} cases[] = {
		{ "/v1/check-in", "https://h:1/v1/check-in" },
		{ "v1/check-in", "https://h:1/v1/check-in" },
		{ "/a/6.12+deb12~x_.-", "https://h:1/a/6.12%2Bdeb12~x_.-" },
		{ "/a?b#c", "https://h:1/a%3Fb%23c" },
		{ "/%2e%2e/x", "https://h:1/%252e%252e/x" },
		{ "/@evil:80", "https://h:1/%40evil%3A80" },
		{ "/\\x", "https://h:1/%5Cx" },
		{ "/\xc3\xbc", "https://h:1/%C3%BC" },
		{ "/https://evil", NULL },
		{ "", NULL },
		{ "/", NULL },
		{ "//evil/x", NULL },
		{ "/a//b", NULL },
		{ "/../x", NULL },
		{ "/a/..", NULL },
		{ "/a/./b", NULL },
		{ "/a\nb", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *url = NULL;
		int r = url_join("https://h:1", cases[i].path, &url, NULL);

		if (cases[i].url) {
			assert_int_equal(r, 0);
			assert_string_equal(url, cases[i].url);
		} else if (r != ERR_INVALID) {
			fail_msg("accepted %s", cases[i].path);
		}
	}
}

static void the_longest_path_fits(void **state _unused_)
{
	char path[FETCH_PATH_MAX + 1], base[FETCH_URL_MAX + 1] = "https://h";
	_cleanup_free_ char *url = NULL;

	memset(path, '\xfc', FETCH_PATH_MAX);
	path[FETCH_PATH_MAX] = 0;
	assert_int_equal(url_join(base, path, &url, NULL), 0);
	assert_int_equal(strlen(url), strlen(base) + 1 + 3 * FETCH_PATH_MAX);
}

/* A certificate for the key in a request, as a server would give it, signed by itself. */
static char *certify(const char *key_pem)
{
	BIO *in = BIO_new_mem_buf(key_pem, -1), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	X509 *x509 = X509_new();
	char *data, *text;
	long len;

	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 1000);
	X509_set_pubkey(x509, key);
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(out, x509), 1);
	len = BIO_get_mem_data(out, &data);
	text = strndup(data, (size_t)len);
	X509_free(x509);
	EVP_PKEY_free(key);
	BIO_free_all(in);
	BIO_free_all(out);
	return text;
}

static void a_key_makes_a_request(void **state _unused_)
{
	_cleanup_free_ char *key = NULL, *csr = NULL, *key2 = NULL, *csr2 = NULL;
	_cleanup_free_ char *certificate = NULL;
	X509_REQ *request;
	BIO *bio;

	assert_int_equal(identity_new_key(&key, &csr, NULL), 0);
	assert_int_equal(identity_new_key(&key2, &csr2, NULL), 0);
	bio = BIO_new_mem_buf(csr, -1);
	request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	assert_int_equal(EVP_PKEY_get_bits(X509_REQ_get0_pubkey(request)), 256);
	X509_REQ_free(request);
	BIO_free(bio);

	certificate = certify(key);
	assert_int_equal(identity_check_pair(certificate, key, NULL), 0);
	assert_int_equal(identity_check_pair(certificate, key2, NULL), ERR_PROTOCOL);
	assert_int_equal(identity_check_pair("no", key, NULL), ERR_PROTOCOL);
}

static void an_identity_is_kept_and_forgotten(void **state _unused_)
{
	char *folder = unit_make_dir();
	struct identity identity = { (char *)"https://h", (char *)"ca", (char *)"key",
				     (char *)"certificate" };
	struct identity *loaded = NULL;
	_cleanup_free_ char *path = NULL;
	struct error err = { 0 };
	struct stat st;

	path = path_join(folder, IDENTITY_FILE, NULL);
	assert_int_equal(identity_load(folder, &loaded, &err), ERR_BAD_STATE);
	assert_true(err.hint[0] != 0);
	assert_int_equal(identity_check_space(folder, NULL), 0);
	assert_int_equal(identity_save(folder, &identity, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(identity_load(folder, &loaded, NULL), 0);
	assert_string_equal(loaded->url, "https://h");
	assert_string_equal(loaded->server_ca, "ca");
	assert_string_equal(loaded->key, "key");
	assert_string_equal(loaded->certificate, "certificate");
	identity_free(loaded);
	loaded = NULL;
	assert_int_equal(file_write_atomic(path, "{\"format\":2}", 12, 0600, NULL), 0);
	assert_int_equal(identity_load(folder, &loaded, NULL), ERR_INVALID);
	assert_int_equal(identity_remove(folder, NULL), 0);
	assert_int_equal(identity_remove(folder, NULL), 0);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
}

static void failures_name_their_cause(void **state _unused_)
{
	static const struct {
		CURLcode curl;
		struct failure_details details;
		int code;
		const char *says;
	} cases[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, { "" }, ERR_UNREACHABLE, "name" },
		{ CURLE_COULDNT_CONNECT, { "", ECONNREFUSED }, ERR_UNREACHABLE, "refused" },
		{ CURLE_OPERATION_TIMEDOUT, { "" }, ERR_TIMEOUT, "slow" },
		{ CURLE_PEER_FAILED_VERIFICATION,
		  { "", 0, X509_V_ERR_CERT_HAS_EXPIRED },
		  ERR_UNTRUSTED,
		  "dates" },
		{ CURLE_PEER_FAILED_VERIFICATION,
		  { "", 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
		  ERR_UNTRUSTED,
		  "CA" },
		{ CURLE_PEER_FAILED_VERIFICATION, { "", 0, X509_V_OK }, ERR_UNTRUSTED, "name" },
		{ CURLE_SSL_CONNECT_ERROR, { "wrong version number" }, ERR_UNTRUSTED, "version" },
		{ CURLE_SSL_CONNECT_ERROR,
		  { "SSL_ERROR_SYSCALL in connection" },
		  ERR_UNREACHABLE,
		  "broke" },
		{ CURLE_FILESIZE_EXCEEDED, { "" }, ERR_TOO_LARGE, "size" },
		{ CURLE_CHUNK_FAILED, { "odd\nthing" }, ERR_PROTOCOL, "odd?thing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };

		assert_int_equal(failure_from_curl(cases[i].curl, &cases[i].details, &err),
				 cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.message, cases[i].says));
	}
}

static void statuses_have_codes(void **state _unused_)
{
	static const struct {
		int status, code;
	} cases[] = {
		{ 204, ERR_PROTOCOL },  { 302, ERR_PROTOCOL },    { 400, ERR_PROTOCOL },
		{ 401, ERR_DENIED },    { 403, ERR_DENIED },      { 404, ERR_NOT_FOUND },
		{ 410, ERR_NOT_FOUND }, { 413, ERR_TOO_LARGE },   { 429, ERR_UNREACHABLE },
		{ 500, ERR_PROTOCOL },  { 503, ERR_UNREACHABLE },
	};
	static const char problem[] =
		"{\"title\":\"No\",\"detail\":\"the token is\\u001b unknown\",\"code\":\"denied\"}";
	_cleanup_close_ int fd = -1;
	struct error err = { 0 };

	assert_int_equal(fetch_memfd_new(&fd, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(failure_from_status(cases[i].status, fd, NULL), cases[i].code);
	assert_int_equal(file_write_fd(fd, problem, strlen(problem), NULL), 0);
	assert_int_equal(failure_from_status(403, fd, &err), ERR_DENIED);
	assert_non_null(strstr(err.message, "403: the token is? unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_https_addresses),
		cmocka_unit_test(paths_stay_paths),
		cmocka_unit_test(the_longest_path_fits),
		cmocka_unit_test(a_key_makes_a_request),
		cmocka_unit_test(an_identity_is_kept_and_forgotten),
		cmocka_unit_test(failures_name_their_cause),
		cmocka_unit_test(statuses_have_codes),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
