/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/wire/bundle.h */
#include "unit.h"

#include "base/json.h"
#include "wire/bundle.h"

/* A P-256 certificate; nothing is signed with its key here. */
#include "test-cert.h"

static char *tiers[] = { (char *)"edge", (char *)"stable" };
static char *certs[] = { (char *)test_cert };
static uint8_t root[] = "{\"signed\": \"…\"}";

static struct bundle sample(void)
{
	return (struct bundle){
		.url = (char *)"https://patches.example:8443",
		.server_ca = (char *)test_cert,
		.root = root,
		.root_len = sizeof(root) - 1,
		.module_certificates = certs,
		.n_module_certificates = 1,
		.tiers = tiers,
		.n_tiers = 2,
		.default_tier = (char *)"stable",
	};
}

static void round_trip(void **state)
{
	struct bundle in = sample();
	_cleanup_buf_ struct buf text = BUF_INIT(BUNDLE_MAX), again = BUF_INIT(BUNDLE_MAX);
	_cleanup_bundle_ struct bundle *out = NULL;
	struct error err = { 0 };

	(void)state;
	/* Every length modulo 3, for the padding of base64. */
	for (size_t cut = 0; cut < 3; cut++) {
		bundle_freep(&out);
		out = NULL;
		buf_clear(&text);
		in.root_len = sizeof(root) - 1 - cut;
		assert_ok(bundle_write(&in, &text, &err), &err);
		assert_ok(bundle_parse(text.data, text.len, &out, &err), &err);
		assert_int_equal(out->root_len, in.root_len);
		assert_memory_equal(out->root, root, in.root_len);
	}
	assert_string_equal(out->url, in.url);
	assert_string_equal(out->server_ca, test_cert);
	assert_int_equal(out->n_module_certificates, 1);
	assert_string_equal(out->module_certificates[0], test_cert);
	assert_int_equal(out->n_tiers, 2);
	assert_string_equal(out->tiers[1], "stable");
	assert_string_equal(out->default_tier, "stable");
	/* The hash in a token depends on the same bundle giving the same bytes. */
	assert_ok(bundle_write(out, &again, &err), &err);
	assert_string_equal(buf_str(&text), buf_str(&again));
}

/* Writes a good bundle as JSON and replaces one field (NULL: removes it). */
static int parse_with(const char *key, json_t *value)
{
	struct bundle in = sample();
	_cleanup_buf_ struct buf text = BUF_INIT(BUNDLE_MAX), changed = BUF_INIT(4 * BUNDLE_MAX);
	_cleanup_json_ json_t *object = NULL;
	struct bundle *out = NULL;
	struct error err = { 0 };
	int r;

	assert_ok(bundle_write(&in, &text, &err), &err);
	assert_ok(json_parse(text.data, text.len, &object, &err), &err);
	if (value)
		json_object_set_new(object, key, value);
	else
		json_object_del(object, key);
	assert_int_equal(json_append(object, &changed), 0);
	r = bundle_parse(changed.data, changed.len, &out, &err);
	assert_int_equal(r, err.code);
	bundle_free(out);
	return r;
}

static void refuses(void **state)
{
	static const char *const keys[] = {
		"format", "url", "server_ca", "root", "module_certificates", "tiers", "default_tier"
	};
	char *large = malloc(BUNDLE_MAX + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_int_equal(parse_with(keys[i], NULL), ERR_INVALID);
	assert_int_equal(parse_with("unknown", json_true()), 0);
	assert_int_equal(parse_with("format", json_integer(2)), ERR_UNSUPPORTED);
	assert_int_equal(parse_with("root", json_string("e30")), ERR_INVALID);
	assert_int_equal(parse_with("root", json_string("e30=\n")), ERR_INVALID);
	assert_int_equal(parse_with("root", json_string("e31=")), ERR_INVALID);
	assert_int_equal(parse_with("root", json_string("")), ERR_INVALID);
	assert_int_equal(parse_with("root", json_string("e30=")), 0);
	assert_int_equal(parse_with("server_ca", json_string("")), ERR_INVALID);
	assert_int_equal(parse_with("server_ca", json_string(test_cert_damaged)), ERR_INVALID);
	assert_int_equal(parse_with("module_certificates", json_array()), ERR_INVALID);
	assert_int_equal(parse_with("module_certificates", json_pack("[s]", "x")), ERR_INVALID);
	assert_int_equal(parse_with("module_certificates", json_pack("[s+]", test_cert, test_cert)),
			 ERR_INVALID);
	assert_int_equal(parse_with("tiers", json_pack("[s,s]", "stable", "stable")), ERR_INVALID);
	assert_int_equal(parse_with("tiers", json_pack("[s,s]", "stable", "../x")), ERR_INVALID);
	assert_int_equal(parse_with("tiers", json_pack("[s]", "edge")), ERR_INVALID);
	memset(large, 'A', BUNDLE_MAX);
	large[BUNDLE_MAX] = '\0';
	assert_int_equal(parse_with("unknown", json_string(large)), ERR_TOO_LARGE);
	free(large);
}

static void urls(void **state)
{
	static const char *const good[] = { "https://a", "https://a.b-c:1",
					    "https://10.0.2.2:65535", "https://[::1]",
					    "https://[fe80::1]:443" };
	static const char *const bad[] = {
		"http://a",     "https://",      "https://a/",     "https://a/b",
		"https://u@a",  "https://a:",    "https://a:0",    "https://a:65536",
		"https://a:1x", "https://[::1",  "https://a b",    "https://a#x",
		"https://a?x",  "https://a:1:2", "https://[::1]x", "",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(bundle_url_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (bundle_url_is_valid(bad[i]))
			fail_msg("%s", bad[i]);
	}
}

static void hash_is_checked(void **state)
{
	static const char hex[] =
		"CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

	(void)state;
	assert_int_equal(bundle_check_hash("a", 1, hex, NULL), 0);
	assert_int_equal(bundle_check_hash("b", 1, hex, NULL), ERR_HASH);
	assert_int_equal(bundle_check_hash("a", 1, "", NULL), ERR_HASH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refuses),
		cmocka_unit_test(urls),
		cmocka_unit_test(hash_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
