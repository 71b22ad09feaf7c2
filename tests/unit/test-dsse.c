/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/repo: dsse.h and attestation.h. */
#include "unit.h"

#include "base/json.h"
#include "repo/attestation.h"
#include "repo/dsse.h"

#define HASH_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define HASH_B "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define ID     "0123456789abcdef0123456789abcdef01234567"

static json_t *keys_of(const struct tuf_key *key)
{
	return json_pack("{s:o}", tuf_key_id(key), tuf_key_to_json(key));
}

/* ---- dsse.h ---- */

static void what_was_signed_verifies(void **state)
{
	static const enum tuf_key_type types[] = { TUF_KEY_ED25519, TUF_KEY_ECDSA_P256,
						   TUF_KEY_RSA };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_dsse_ struct dsse *made = NULL, *read = NULL;
		_cleanup_tuf_key_ struct tuf_key *key = NULL, *other = NULL;
		_cleanup_json_ json_t *right = NULL, *wrong = NULL;
		_cleanup_buf_ struct buf out = BUF_INIT(DSSE_MAX);
		size_t len;

		assert_ok(tuf_key_generate(types[i], 2048, &key, &err), &err);
		assert_ok(tuf_key_generate(TUF_KEY_ED25519, 0, &other, &err), &err);
		assert_ok(dsse_new(ATTESTATION_TYPE, "{\"a\": 1}", 8, &made, &err), &err);
		assert_ok(dsse_sign(made, key, &err), &err);
		assert_ok(dsse_write(made, &out, &err), &err);
		assert_ok(dsse_parse(out.data, out.len, &read, &err), &err);
		assert_string_equal(dsse_type(read), ATTESTATION_TYPE);
		assert_memory_equal(dsse_payload(read, &len), "{\"a\": 1}", 8);
		assert_int_equal(len, 8);
		right = keys_of(key);
		wrong = keys_of(other);
		assert_ok(dsse_verify(read, right, &err), &err);
		assert_int_equal(dsse_verify(read, wrong, &err), ERR_SIGNATURE);
		assert_int_equal(dsse_verify(read, NULL, &err), ERR_SIGNATURE);
	}
}

/* A key that says it is another one is none. */
static void a_key_id_must_be_its_own(void **state)
{
	_cleanup_dsse_ struct dsse *dsse = NULL;
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	_cleanup_json_ json_t *keys = NULL;

	(void)state;
	assert_int_equal(tuf_key_generate(TUF_KEY_ED25519, 0, &key, NULL), 0);
	assert_int_equal(dsse_new("t", "x", 1, &dsse, NULL), 0);
	assert_int_equal(dsse_sign(dsse, key, NULL), 0);
	keys = json_pack("{s:o}", HASH_A, tuf_key_to_json(key));
	assert_int_equal(dsse_verify(dsse, keys, NULL), ERR_SIGNATURE);
}

/* Payload and type as in the example of the specification (protocol.md). */
static void type_and_payload_are_signed(void **state)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	_cleanup_json_ json_t *keys = NULL, *envelope = NULL;
	_cleanup_dsse_ struct dsse *made = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(DSSE_MAX);
	struct error err = { 0 };

	(void)state;
	assert_ok(tuf_key_generate(TUF_KEY_ED25519, 0, &key, &err), &err);
	keys = keys_of(key);
	assert_ok(dsse_new("http://example.com/HelloWorld", "hello world", 11, &made, &err), &err);
	assert_ok(dsse_sign(made, key, &err), &err);
	assert_ok(dsse_write(made, &out, &err), &err);
	assert_ok(json_parse(out.data, out.len, &envelope, &err), &err);
	assert_string_equal(json_string_value(json_object_get(envelope, "payload")),
			    "aGVsbG8gd29ybGQ=");
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ json_t *other = json_deep_copy(envelope);
		_cleanup_dsse_ struct dsse *read = NULL;
		_cleanup_buf_ struct buf text = BUF_INIT(DSSE_MAX);

		json_object_set_new(other, i ? "payload" : "payloadType",
				    json_string(i ? "aGVsbG8gd29ybGE=" : "http://example.com/H"));
		assert_int_equal(json_append(other, &text), 0);
		assert_ok(dsse_parse(text.data, text.len, &read, &err), &err);
		assert_int_equal(dsse_verify(read, keys, NULL), ERR_SIGNATURE);
	}
}

static void base64_is_read_as_written(void **state)
{
	static const struct {
		const char *text;
		int len; /* of the payload; -1: refused */
	} cases[] = {
		{ "", 0 },       { "AA==", 1 },    { "AA", 1 },    { "AAA=", 2 },
		{ "AAAA", 3 },   { "-_+/", 3 },    { "A", -1 },    { "AA=", -1 },
		{ "AAA==", -1 }, { "A===", -1 },   { "AB==", -1 }, { "AA==AA==", -1 },
		{ "A A=", -1 },  { "AAA\\n", -1 }, { "====", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_dsse_ struct dsse *read = NULL;
		char text[256];
		size_t len = 99;
		int r;

		snprintf(text, sizeof(text),
			 "{\"payload\": \"%s\", \"payloadType\": \"t\", \"signatures\": [{\"sig\": "
			 "\"AA\"}]}",
			 cases[i].text);
		r = dsse_parse(text, strlen(text), &read, NULL);
		if (r == 0)
			(void)dsse_payload(read, &len);
		assert_int_equal(r == 0 ? (int)len : -1, cases[i].len);
	}
}

static void what_is_no_envelope(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{\"payload\": \"\", \"payloadType\": \"t\", \"signatures\": []}",
		"{\"payload\": \"\", \"payloadType\": \"t\"}",
		"{\"payload\": \"\", \"signatures\": [{\"sig\": \"\"}]}",
		"{\"payload\": 1, \"payloadType\": \"t\", \"signatures\": [{\"sig\": \"\"}]}",
		"{\"payload\": \"\", \"payloadType\": \"t\", \"signatures\": [{\"keyid\": \"k\"}]}",
		"{\"payload\": \"\", \"payloadType\": \"t\", \"signatures\": [3]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dsse *read = NULL;

		assert_int_equal(dsse_parse(cases[i], strlen(cases[i]), &read, NULL), ERR_INVALID);
		assert_null(read);
	}
}

/* ---- attestation.h ---- */

static json_t *lab(const char *hash, const char *kernel, const char *result)
{
	return json_pack("{s:s, s:[{s:s, s:{s:s}}], s:s, s:{s:s, s:[{s:s, s:{s:s}}], s:[s]}}",
			 "_type", "https://in-toto.io/Statement/v1", "subject", "name", "m.ko",
			 "digest", "sha256", hash, "predicateType",
			 "https://in-toto.io/attestation/test-result/v0.1", "predicate", "result",
			 result, "configuration", "name", kernel, "digest", "gnuBuildId", ID,
			 "passedTests", "load");
}

static int check(json_t *statement, const char *hash, const char *kernel, const char *build_id)
{
	struct attestation_subject subject = {
		.sha256 = HASH_A, .module = "m", .kernel = kernel, .build_id = build_id
	};
	int r;

	memcpy(subject.unsigned_sha256, hash, SHA256_HEX_LEN + 1);
	r = attestation_check_lab(statement, &subject, NULL);
	json_decref(statement);
	return r;
}

static void a_test_record_of_this_module(void **state)
{
	json_t *two;

	(void)state;
	assert_int_equal(check(lab(HASH_A, "6.1", "PASSED"), HASH_B, "6.1", ID), 0);
	assert_int_equal(check(lab(HASH_B, "6.1", "WARNED"), HASH_B, "6.1", ID), 0);
	assert_int_equal(check(lab(HASH_B, "6.1", "FAILED"), HASH_B, "6.1", ID), ERR_DENIED);
	assert_int_equal(check(lab(HASH_B, "6.1", "PASSED"), HASH_A, "6.1", ID), ERR_NOT_LISTED);
	assert_int_equal(check(lab(HASH_A, "6.2", "PASSED"), HASH_A, "6.1", ID), ERR_DENIED);
	assert_int_equal(check(lab(HASH_A, "6.1", "PASSED"), HASH_A, "6.1", "00"), ERR_DENIED);
	assert_int_equal(check(json_object(), HASH_A, "6.1", ID), ERR_INVALID);
	/* Two modules and two kernels, and nothing that says which was tried where. */
	two = lab(HASH_A, "6.1", "PASSED");
	json_array_append_new(
		json_object_get(two, "subject"),
		json_pack("{s:s, s:{s:s}}", "name", "n.ko", "digest", "sha256", HASH_B));
	assert_int_equal(check(two, HASH_A, "6.1", ID), ERR_DENIED);
	/* No test passed. */
	two = lab(HASH_A, "6.1", "PASSED");
	json_array_clear(json_object_get(json_object_get(two, "predicate"), "passedTests"));
	assert_int_equal(check(two, HASH_A, "6.1", ID), ERR_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_signed_verifies),
		cmocka_unit_test(a_key_id_must_be_its_own),
		cmocka_unit_test(type_and_payload_are_signed),
		cmocka_unit_test(base64_is_read_as_written),
		cmocka_unit_test(what_is_no_envelope),
		cmocka_unit_test(a_test_record_of_this_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
