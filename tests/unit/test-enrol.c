/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "wire/enrol.h"

#define SECRET "abcdefghijklmnopqrst_-"
#define HASH   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CSR    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
#define CERT   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define UUID   "01234567-89ab-cdef-0123-456789abcdef"

static void fill(char *text, size_t len)
{
	memset(text, 'a', len);
	text[len] = 0;
}

static void test_secret_bounds(void **state _unused_)
{
	char text[TOKEN_SECRET_MAX + 2];

	for (size_t len = 0; len <= TOKEN_SECRET_MAX + 1; len++) {
		fill(text, len);
		assert_int_equal(token_secret_is_valid(text),
				 len >= TOKEN_SECRET_MIN && len <= TOKEN_SECRET_MAX);
	}
	assert_false(token_secret_is_valid("abcdefghijklmnopqrstu+"));
	assert_false(token_secret_is_valid("abcdefghijklmnopqrstu\n"));
}

static void test_token_forms(void **state _unused_)
{
	static const char *const good[] = { SECRET, "https://10.0.2.2:8443#" HASH "#" SECRET };
	static const char *const bad[] = {
		"",
		"#",
		"##",
		"short",
		"https://host#" HASH,
		"https://host#" SECRET,
		"https://host#" HASH "#short",
		"https://host#" HASH "#" SECRET "#" SECRET,
		"http://host#" HASH "#" SECRET,
		"https://#" HASH "#" SECRET,
		"https://ho st#" HASH "#" SECRET,
		"https://host#0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"
		"#" SECRET,
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(TOKEN_TEXT_MAX);
		struct token token;

		assert_int_equal(token_parse(good[i], &token, NULL), 0);
		assert_string_equal(token.secret, SECRET);
		assert_string_equal(token.url, i ? "https://10.0.2.2:8443" : "");
		assert_int_equal(token_format(&token, &text), 0);
		assert_string_equal(buf_str(&text), good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = { 0 };

		assert_int_equal(token_parse(bad[i], &(struct token){ 0 }, &err), ERR_INVALID);
		assert_null(strstr(err.message, SECRET));
	}
}

static void test_token_url_bound(void **state _unused_)
{
	char text[TOKEN_TEXT_MAX + 64];

	for (int over = 0; over <= 1; over++) {
		size_t url = TOKEN_URL_MAX + (size_t)over;

		fill(text, url);
		memcpy(text, "https://", 8);
		snprintf(text + url, sizeof(text) - url, "#%s#%s", HASH, SECRET);
		assert_int_equal(token_parse(text, &(struct token){ 0 }, NULL),
				 over ? ERR_INVALID : 0);
	}
}

static void example(struct enrol_request *request)
{
	*request = (struct enrol_request){
		.token = SECRET,
		.csr = CSR,
		.hostname = "web-1",
		.facts = { "0.1.0", "6.1.0-41-amd64", "0123456789abcdef", "stable" },
	};
}

static int parse_object(json_t *object, struct enrol_request *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1024 * 1024);

	assert_int_equal(json_append(object, &text), 0);
	return enrol_request_parse(text.data, text.len, ret, err);
}

static void test_request_round_trip(void **state _unused_)
{
	_cleanup_json_ json_t *object = NULL;
	struct enrol_request request, again;

	example(&request);
	assert_int_equal(enrol_request_object(&request, &object, NULL), 0);
	assert_int_equal(parse_object(object, &again, NULL), 0);
	assert_string_equal(again.token, request.token);
	assert_string_equal(again.csr, request.csr);
	assert_string_equal(again.hostname, request.hostname);
	assert_string_equal(again.facts.kernel, request.facts.kernel);
}

static void test_request_without_csr(void **state _unused_)
{
	_cleanup_json_ json_t *object = NULL;
	struct enrol_request request;

	example(&request);
	request.csr[0] = 0;
	assert_int_equal(enrol_request_object(&request, &object, NULL), 0);
	assert_null(json_object_get(object, "csr"));
	assert_int_equal(parse_object(object, &request, NULL), ERR_INVALID);
	request.facts.tier[0] = '/';
	json_decref(TAKE_PTR(object));
	assert_int_equal(enrol_request_object(&request, &object, NULL), ERR_INVALID);
}

static void test_request_bounds(void **state _unused_)
{
	char *big = malloc(ENROL_CSR_MAX + 2);
	static const char *const fields[] = { "token", "csr", "hostname", "kernel", "agent" };
	struct enrol_request request;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		_cleanup_json_ json_t *object = NULL;
		struct error err = { 0 };

		example(&request);
		assert_int_equal(enrol_request_object(&request, &object, NULL), 0);
		fill(big, ENROL_CSR_MAX + 1);
		if (streq(fields[i], "csr"))
			memcpy(big, CSR, strlen("-----BEGIN CERTIFICATE REQUEST-----"));
		json_set_str(object, fields[i], big);
		assert_int_equal(parse_object(object, &request, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, fields[i]));
		json_object_del(object, fields[i]);
		assert_int_equal(parse_object(object, &request, NULL), ERR_INVALID);
	}
	free(big);
}

static void test_request_hostname_bound(void **state _unused_)
{
	struct enrol_request request;
	char name[ENROL_HOSTNAME_MAX + 2];

	for (int over = 0; over <= 1; over++) {
		_cleanup_json_ json_t *object = NULL;

		example(&request);
		assert_int_equal(enrol_request_object(&request, &object, NULL), 0);
		fill(name, ENROL_HOSTNAME_MAX + (size_t)over);
		json_set_str(object, "hostname", name);
		assert_int_equal(parse_object(object, &request, NULL), over ? ERR_INVALID : 0);
	}
}

static void test_request_size(void **state _unused_)
{
	_cleanup_free_ char *text = malloc(ENROL_REQUEST_MAX + 1);
	struct enrol_request request;

	memset(text, ' ', ENROL_REQUEST_MAX + 1);
	assert_int_equal(enrol_request_parse(text, ENROL_REQUEST_MAX + 1, &request, NULL),
			 ERR_TOO_LARGE);
	assert_int_equal(enrol_request_parse(text, ENROL_REQUEST_MAX, &request, NULL), ERR_INVALID);
}

static void test_wrong_token_is_not_repeated(void **state _unused_)
{
	static const char text[] = "{\"token\": \"mistyped secret mistyped secret\"}";
	struct enrol_request request;
	struct error err = { 0 };

	assert_int_equal(enrol_request_parse(text, strlen(text), &request, &err), ERR_INVALID);
	assert_null(strstr(err.message, "mistyped"));
}

static void test_answer(void **state _unused_)
{
	_cleanup_buf_ struct buf text = BUF_INIT(ENROL_ANSWER_MAX);
	static struct enrol_answer answer = { UUID, CERT, 300 }, again;

	assert_int_equal(enrol_answer_write(&answer, &text, NULL), 0);
	assert_int_equal(enrol_answer_parse(text.data, text.len, &again, NULL), 0);
	assert_memory_equal(&answer, &again, sizeof(answer));
	answer.interval = 0;
	assert_int_equal(enrol_answer_write(&answer, &text, NULL), ERR_INVALID);
}

static void test_answer_bounds(void **state _unused_)
{
	static const char *const bad[] = {
		"{}",
		"{\"machine_id\": \"" UUID "\", \"certificate\": \"\", \"interval\": 1}",
		"{\"machine_id\": \"" UUID "\", \"certificate\": \"-----BEGIN CERTIFICATE-----\", "
		"\"interval\": 0}",
		"{\"machine_id\": \"" UUID "\", \"certificate\": \"-----BEGIN CERTIFICATE-----\", "
		"\"interval\": 86401}",
		"{\"machine_id\": \"../../etc\", \"certificate\": \"-----BEGIN CERTIFICATE-----\", "
		"\"interval\": 1}",
	};
	static struct enrol_answer answer;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(enrol_answer_parse(bad[i], strlen(bad[i]), &answer, NULL),
				 ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_bounds),
		cmocka_unit_test(test_token_forms),
		cmocka_unit_test(test_token_url_bound),
		cmocka_unit_test(test_request_round_trip),
		cmocka_unit_test(test_request_without_csr),
		cmocka_unit_test(test_request_bounds),
		cmocka_unit_test(test_request_hostname_bound),
		cmocka_unit_test(test_request_size),
		cmocka_unit_test(test_wrong_token_is_not_repeated),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_answer_bounds),
	};

	return cmocka_run_group_tests_name("enrol", tests, NULL, NULL);
}
