/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/tuf: canonical JSON (golden bytes), keys, thresholds, the form of metadata, path patterns. */
#include "unit.h"

#include "base/json.h"
#include "tuf/canonical.h"
#include "tuf/metadata.h"

#define EXPIRES INT64_C(1893456000) /* 2030-01-01 */

static void canonical_golden(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "{}", "{}" },
		{ " [ ] ", "[]" },
		{ "{\"b\": 1, \"a\": [true, false, null], \"A\": -5}",
		  "{\"A\":-5,\"a\":[true,false,null],\"b\":1}" },
		/* Only '"' and '\' are escaped; control characters and UTF-8 stay as they are. */
		{ "\"q\\\"b\\\\s\\/n\\nt\\tu\\u00e9\\u0001\"",
		  "\"q\\\"b\\\\s/n\nt\tu\xc3\xa9\x01\"" },
		/* By the bytes of UTF-8, which is the order of code points: not that of UTF-16. */
		{ "{\"\\ud83d\\ude00\": 1, \"\\uffee\": 2, \"aa\": 3, \"a\": 4}",
		  "{\"a\":4,\"aa\":3,\"\xef\xbf\xae\":2,\"\xf0\x9f\x98\x80\":1}" },
		{ "{\"n\": 9223372036854775807, \"m\": 0}", "{\"m\":0,\"n\":9223372036854775807}" },
	};
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *value = NULL;
		_cleanup_buf_ struct buf out = BUF_INIT(1000);

		assert_ok(json_parse(cases[i].in, strlen(cases[i].in), &value, &err), &err);
		assert_ok(tuf_canonical(value, &out, &err), &err);
		assert_string_equal(buf_str(&out), cases[i].out);
	}
}

static void canonical_refuses(void **state)
{
	_cleanup_json_ json_t *real = json_pack("{s:f}", "x", 1.5);
	_cleanup_json_ json_t *large = json_string("0123456789");
	_cleanup_buf_ struct buf out = BUF_INIT(8);

	(void)state;
	assert_int_equal(tuf_canonical(real, &out, NULL), ERR_INVALID);
	assert_int_equal(tuf_canonical(large, &out, NULL), ERR_TOO_LARGE);
	assert_int_equal(tuf_canonical(NULL, &out, NULL), ERR_INVALID);
}

/* The key of RFC 8032 section 7.1, test 1; the key ID computed with Python's hashlib. */
static void key_id_golden(void **state)
{
	static const char text[] =
		"{\"scheme\":\"ed25519\",\"keytype\":\"ed25519\",\"keyval\":{\"public\":"
		"\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"}}";
	static const char sig_hex[] =
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
		"c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
	uint8_t sig[64];
	_cleanup_json_ json_t *object = NULL;
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	struct error err = { 0 };

	(void)state;
	assert_ok(json_parse(text, strlen(text), &object, &err), &err);
	assert_ok(tuf_key_from_json(object, &key, &err), &err);
	assert_string_equal(tuf_key_id(key),
			    "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916");
	assert_int_equal(hex_decode(sig_hex, 64, sig), 0);
	assert_int_equal(tuf_key_verify(key, "", 0, sig, 64), 0);
	sig[3] ^= 1;
	assert_int_equal(tuf_key_verify(key, "", 0, sig, 64), ERR_SIGNATURE);
	assert_false(tuf_key_has_private(key));
}

static void every_key_type_signs_and_verifies(void **state)
{
	struct error err = { 0 };

	(void)state;
	for (enum tuf_key_type type = TUF_KEY_ED25519; type <= TUF_KEY_RSA; type++) {
		_cleanup_tuf_key_ struct tuf_key *key = NULL, *again = NULL, *public = NULL;
		_cleanup_buf_ struct buf pem = BUF_INIT(TUF_KEY_PEM_MAX);
		_cleanup_buf_ struct buf sig = BUF_INIT(TUF_SIG_MAX);
		_cleanup_json_ json_t *object = NULL;

		assert_ok(tuf_key_generate(type, type == TUF_KEY_RSA ? 2048 : 0, &key, &err), &err);
		assert_ok(tuf_key_private_pem(key, &pem, &err), &err);
		assert_ok(tuf_key_from_private_pem(pem.data, pem.len, &again, &err), &err);
		assert_string_equal(tuf_key_id(key), tuf_key_id(again));
		object = tuf_key_to_json(key);
		assert_ok(tuf_key_from_json(object, &public, &err), &err);
		assert_string_equal(tuf_key_id(key), tuf_key_id(public));
		assert_true(tuf_key_same(key, public));
		assert_ok(tuf_key_sign(again, "words", 5, &sig, &err), &err);
		assert_int_equal(tuf_key_verify(public, "words", 5, sig.data, sig.len), 0);
		assert_int_equal(tuf_key_verify(public, "Words", 5, sig.data, sig.len),
				 ERR_SIGNATURE);
		assert_int_equal(tuf_key_verify(public, "words", 5, sig.data, sig.len - 1),
				 ERR_SIGNATURE);
		assert_int_equal(tuf_key_sign(public, "words", 5, &sig, &err), ERR_BAD_STATE);
	}
}

static void damaged_keys_are_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "{}", ERR_INVALID },
		{ "{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"00\"}}",
		  ERR_INVALID },
		{ "{\"keytype\":\"dsa\",\"scheme\":\"dsa\",\"keyval\":{\"public\":\"00\"}}",
		  ERR_UNSUPPORTED },
		{ "{\"keytype\":\"rsa\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"00\"}}",
		  ERR_UNSUPPORTED },
		{ "{\"keytype\":\"rsa\",\"scheme\":\"rsassa-pss-sha256\",\"keyval\":{\"public\":"
		  "\"-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----\\n\"}}",
		  ERR_INVALID },
		{ "{\"keytype\":\"rsa\",\"scheme\":\"rsassa-pss-sha256\",\"keyval\":{}}",
		  ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *object = NULL;
		struct tuf_key *key = NULL;

		assert_int_equal(json_parse(cases[i].text, strlen(cases[i].text), &object, NULL),
				 0);
		assert_int_equal(tuf_key_from_json(object, &key, NULL), cases[i].code);
		assert_null(key);
	}
	assert_int_equal(tuf_key_from_private_pem("no key", 6, &(struct tuf_key *){ 0 }, NULL),
			 ERR_INVALID);
}

/* ---- Thresholds ---- */

struct threshold_case {
	struct tuf_key *keys[3];
	struct tuf_metadata *root, *md;
	struct error err;
};

static void threshold_make(struct threshold_case *t, unsigned threshold)
{
	*t = (struct threshold_case){ 0 };
	for (int i = 0; i < 3; i++)
		assert_ok(tuf_key_generate(TUF_KEY_ED25519, 0, &t->keys[i], &t->err), &t->err);
	assert_ok(tuf_metadata_new(TUF_ROOT, EXPIRES, &t->root, &t->err), &t->err);
	assert_ok(tuf_root_set_role(t->root, "targets", (const struct tuf_key *const *)t->keys, 2,
				    threshold, &t->err),
		  &t->err);
	assert_ok(tuf_metadata_new(TUF_TARGETS, EXPIRES, &t->md, &t->err), &t->err);
}

static void threshold_free(struct threshold_case *t)
{
	for (int i = 0; i < 3; i++)
		tuf_key_free(t->keys[i]);
	tuf_metadata_free(t->root);
	tuf_metadata_free(t->md);
}

static int threshold_check(struct threshold_case *t, bool any_key_ids)
{
	return tuf_root_verify(t->root, t->md, "targets.json", any_key_ids, &t->err);
}

static void threshold_counts_keys_of_the_role(void **state)
{
	struct threshold_case t;

	(void)state;
	threshold_make(&t, 2);
	assert_int_equal(threshold_check(&t, false), ERR_SIGNATURE);
	assert_ok(tuf_metadata_sign(t.md, t.keys[0], &t.err), &t.err);
	assert_int_equal(threshold_check(&t, false), ERR_SIGNATURE);
	assert_ok(tuf_metadata_sign(t.md, t.keys[0], &t.err), &t.err);
	assert_ok(tuf_metadata_sign(t.md, t.keys[2], &t.err), &t.err);
	assert_int_equal(threshold_check(&t, false), ERR_SIGNATURE);
	assert_ok(tuf_metadata_sign(t.md, t.keys[1], &t.err), &t.err);
	assert_int_equal(threshold_check(&t, false), 0);
	/* A change after signing. */
	json_object_set_new(t.md->body, "x", json_true());
	assert_int_equal(threshold_check(&t, false), ERR_SIGNATURE);
	threshold_free(&t);
}

/* One key under two key IDs is one key. */
static void the_same_key_counts_once(void **state)
{
	struct threshold_case t;
	json_t *role, *keys, *ids, *signature, *other;

	(void)state;
	threshold_make(&t, 2);
	role = json_object_get(json_object_get(t.root->body, "roles"), "targets");
	keys = json_object_get(t.root->body, "keys");
	ids = json_object_get(role, "keyids");
	json_array_set_new(ids, 1, json_string("another-name"));
	json_object_set_new(keys, "another-name", tuf_key_to_json(t.keys[0]));
	assert_ok(tuf_metadata_sign(t.md, t.keys[0], &t.err), &t.err);
	signature = json_array_get(t.md->signatures, 0);
	other = json_copy(signature);
	json_object_set_new(other, "keyid", json_string("another-name"));
	json_array_append_new(t.md->signatures, other);
	assert_int_equal(threshold_check(&t, true), ERR_SIGNATURE);
	assert_int_equal(threshold_check(&t, false), ERR_SIGNATURE);
	/* With a threshold of one either name would do, but a wrong key ID only where allowed. */
	json_object_set_new(role, "threshold", json_integer(1));
	json_array_remove(ids, 0);
	assert_int_equal(threshold_check(&t, true), 0);
	assert_int_equal(threshold_check(&t, false), ERR_SIGNATURE);
	threshold_free(&t);
}

/* ---- Form ---- */

#define HEAD "\"spec_version\":\"1.0.31\",\"version\":1,\"expires\":\"2030-01-01T00:00:00Z\""

static int parse(enum tuf_type type, const char *body)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	struct tuf_metadata *md = NULL;
	int r;

	assert_int_equal(buf_printf(&text, "{\"signatures\":[],\"signed\":{%s}}", body), 0);
	r = tuf_metadata_parse(type, "test.json", text.data, text.len, &md, NULL);
	tuf_metadata_free(md);
	return r;
}

static void form_of_every_type(void **state)
{
	static const char role[] = "{\"keyids\":[\"a\"],\"threshold\":1}";
	char root[1024];

	(void)state;
	snprintf(root, sizeof(root),
		 "\"_type\":\"root\"," HEAD ",\"keys\":{},\"roles\":{\"root\":%s,\"targets\":%s,"
		 "\"snapshot\":%s,\"timestamp\":%s}",
		 role, role, role, role);
	assert_int_equal(parse(TUF_ROOT, root), 0);
	assert_int_equal(parse(TUF_TARGETS, root), ERR_INVALID);
	assert_int_equal(parse(TUF_TARGETS, "\"_type\":\"targets\"," HEAD ",\"targets\":{}"), 0);
	assert_int_equal(parse(TUF_SNAPSHOT, "\"_type\":\"snapshot\"," HEAD
					     ",\"meta\":{\"targets.json\":{\"version\":1}}"),
			 0);
	assert_int_equal(parse(TUF_TIMESTAMP, "\"_type\":\"timestamp\"," HEAD
					      ",\"meta\":{\"snapshot.json\":{\"version\":1}}"),
			 0);
}

/* What section 4 leaves open, or is of others, is no fault of the form. */
static void form_tolerates(void **state)
{
	static const char key[] = "\"k\":{\"keytype\":\"of tomorrow\",\"scheme\":\"s\",\"keyval\":"
				  "{\"public\":[1]},\"x\":null}";
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	struct tuf_metadata *md = NULL;
	char body[1024], sig[16001];

	(void)state;
	snprintf(body, sizeof(body),
		 "\"_type\":\"targets\"," HEAD ",\"x\":[],\"targets\":{},\"delegations\":{\"keys\":"
		 "{%s},\"roles\":[{\"name\":\"r\",\"keyids\":[\"k\",\"none\"],\"threshold\":3}]}",
		 key);
	assert_int_equal(parse(TUF_TARGETS, body), 0);
	/* A signature of a scheme that has long ones. */
	memset(sig, 'a', sizeof(sig) - 1);
	sig[sizeof(sig) - 1] = '\0';
	assert_int_equal(buf_printf(&text,
				    "{\"signatures\":[{\"keyid\":\"k\",\"sig\":\"%s\"},{\"keyid\":"
				    "\"l\",\"sig\":\"\"}],\"signed\":{%s},\"x\":1}",
				    sig, body),
			 0);
	assert_int_equal(tuf_metadata_parse(TUF_TARGETS, "x", text.data, text.len, &md, NULL), 0);
	assert_int_equal(tuf_metadata_verify(md, "x", tuf_targets_keys(md),
					     tuf_targets_delegation(md, "r"), true, NULL),
			 ERR_SIGNATURE);
	assert_false(tuf_delegation_matches(tuf_targets_delegation(md, "r"), "a"));
	tuf_metadata_free(md);
}

/* In every optional field. */
static void null_is_absent(void **state)
{
	static const struct {
		enum tuf_type type;
		const char *body;
	} cases[] = {
		{ TUF_TARGETS,
		  "\"_type\":\"targets\"," HEAD ",\"targets\":{},\"delegations\":null" },
		{ TUF_TARGETS, "\"_type\":\"targets\"," HEAD
			       ",\"targets\":{\"a\":{\"length\":0,\"hashes\":{\"sha256\":\"\"},"
			       "\"custom\":null}}" },
		{ TUF_TARGETS, "\"_type\":\"targets\"," HEAD
			       ",\"targets\":{},\"delegations\":{\"keys\":{},\"roles\":["
			       "{\"name\":\"r\",\"keyids\":[],\"threshold\":1,\"paths\":null,"
			       "\"path_hash_prefixes\":[\"0\"],\"terminating\":null},"
			       "{\"name\":\"s\",\"keyids\":[],\"threshold\":1,\"paths\":[\"*\"],"
			       "\"path_hash_prefixes\":null}]}" },
		{ TUF_SNAPSHOT, "\"_type\":\"snapshot\"," HEAD ",\"meta\":{\"targets.json\":{"
				"\"version\":1,\"length\":null,\"hashes\":null}}" },
	};
	_cleanup_json_ json_t *meta = json_pack("{s:n, s:n}", "length", "hashes");
	_cleanup_json_ json_t *delegation = json_pack("{s:n, s:n}", "paths", "path_hash_prefixes");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (parse(cases[i].type, cases[i].body) != 0)
			fail_msg("case %zu: %d", i, parse(cases[i].type, cases[i].body));
	}
	assert_int_equal(tuf_check_bytes(meta, "x", "a", 1, NULL), 0);
	assert_false(tuf_delegation_matches(delegation, "a"));
}

static void form_refuses(void **state)
{
	static const struct {
		enum tuf_type type;
		int code;
		const char *body;
	} cases[] = {
		{ TUF_TARGETS, ERR_INVALID, "" },
		{ TUF_TARGETS, ERR_INVALID, "\"_type\":\"targets\"," HEAD },
		{ TUF_TARGETS, ERR_INVALID, "\"_type\":\"root\"," HEAD ",\"targets\":{}" },
		{ TUF_TARGETS, ERR_UNSUPPORTED,
		  "\"_type\":\"targets\",\"spec_version\":\"2.0.0\",\"version\":1,"
		  "\"expires\":\"2030-01-01T00:00:00Z\",\"targets\":{}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\",\"spec_version\":\"1.0.0\",\"version\":0,"
		  "\"expires\":\"2030-01-01T00:00:00Z\",\"targets\":{}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\",\"spec_version\":\"1.0.0\",\"version\":1,"
		  "\"expires\":\"tomorrow\",\"targets\":{}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\"," HEAD ",\"targets\":{\"a\":{\"length\":1}}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\"," HEAD
		  ",\"targets\":{\"a\":{\"length\":-1,\"hashes\":{\"sha256\":\"x\"}}}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\"," HEAD
		  ",\"targets\":{\"a\":{\"length\":1,\"hashes\":{}}}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\"," HEAD ",\"targets\":{},\"delegations\":{\"keys\":{},"
		  "\"roles\":[{\"name\":\"root\",\"keyids\":[],\"threshold\":1,\"paths\":[]}]}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\"," HEAD ",\"targets\":{},\"delegations\":{\"keys\":{},"
		  "\"roles\":[{\"name\":\"r\",\"keyids\":[],\"threshold\":1,\"paths\":[],"
		  "\"path_hash_prefixes\":[]}]}" },
		{ TUF_TARGETS, ERR_INVALID,
		  "\"_type\":\"targets\"," HEAD ",\"targets\":{},\"delegations\":{\"keys\":{},"
		  "\"roles\":[{\"name\":\"r\",\"keyids\":[\"a\",\"a\"],\"threshold\":1,"
		  "\"paths\":[]}]}" },
		{ TUF_SNAPSHOT, ERR_INVALID,
		  "\"_type\":\"snapshot\"," HEAD ",\"meta\":{\"x.json\":{\"version\":1}}" },
		{ TUF_TIMESTAMP, ERR_INVALID,
		  "\"_type\":\"timestamp\"," HEAD ",\"meta\":{\"snapshot.json\":{}}" },
		{ TUF_TIMESTAMP, ERR_INVALID,
		  "\"_type\":\"timestamp\"," HEAD
		  ",\"meta\":{\"snapshot.json\":{\"version\":1},\"x.json\":{\"version\":1}}" },
		{ TUF_ROOT, ERR_INVALID, "\"_type\":\"root\"," HEAD ",\"keys\":{},\"roles\":{}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (parse(cases[i].type, cases[i].body) != cases[i].code)
			fail_msg("case %zu: %d", i, parse(cases[i].type, cases[i].body));
	}
}

static void write_and_parse_again(void **state)
{
	struct threshold_case t;
	struct tuf_metadata *again = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(65536);

	(void)state;
	threshold_make(&t, 1);
	json_object_set_new(t.md->body, "x-unknown", json_pack("{s:[i]}", "k", 7));
	assert_ok(tuf_metadata_sign(t.md, t.keys[0], &t.err), &t.err);
	assert_ok(tuf_metadata_write(t.md, &data, &t.err), &t.err);
	assert_ok(tuf_metadata_parse(TUF_TARGETS, "x", data.data, data.len, &again, &t.err),
		  &t.err);
	assert_true(json_equal(t.md->envelope, again->envelope));
	assert_int_equal(again->expires, EXPIRES);
	assert_ok(tuf_root_verify(t.root, again, "x", false, &t.err), &t.err);
	tuf_metadata_free(again);
	threshold_free(&t);
}

static void root_drops_keys_without_a_role(void **state)
{
	struct threshold_case t;
	const struct tuf_key *third;

	(void)state;
	threshold_make(&t, 1);
	third = t.keys[2];
	assert_int_equal(json_object_size(json_object_get(t.root->body, "keys")), 2);
	assert_ok(tuf_root_set_role(t.root, "targets", &third, 1, 1, &t.err), &t.err);
	assert_int_equal(json_object_size(json_object_get(t.root->body, "keys")), 1);
	assert_int_equal(tuf_root_set_role(t.root, "targets", &third, 1, 2, &t.err), ERR_INVALID);
	threshold_free(&t);
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
		/* The specification's own examples. */
		{ "targets/*.tgz", "targets/foo.tgz", true },
		{ "targets/*.tgz", "targets/foo.txt", false },
		{ "foo-version-?.tgz", "foo-version-2.tgz", true },
		{ "foo-version-?.tgz", "foo-version-alpha.tgz", false },
		{ "*.tgz", "foo.tgz", true },
		{ "*.tgz", "targets/foo.tgz", false },
		{ "foo.tgz", "foo.tgz", true },
		{ "foo.tgz", "foo.tgz2", false },
		/* A tier's. */
		{ "edge/*/*/*", "edge/6.1.0-56-amd64/00ff/m.ko", true },
		{ "edge/*/*/*", "edge/6.1.0-56-amd64/m.ko", false },
		{ "edge/*/*/*", "edge/a/b/c/m.ko", false },
		{ "edge/*/*/*", "stable/a/b/m.ko", false },
		{ "*", "", true },
		{ "?", "", false },
		{ "?", "/", false },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*b*c", "aXbYbZ", false },
		{ "a/*b/c", "a/bb/c", true },
		{ "**", "x", true },
		/* Sets, inside one part. */
		{ "[a]", "a", true },
		{ "[a]", "[a]", false },
		{ "[ab]c", "bc", true },
		{ "[!ab]c", "bc", false },
		{ "[!ab]c", "cc", true },
		{ "[^a]", "^", true },
		{ "k[0-9]-*.ko", "k6-x.ko", true },
		{ "k[0-9]-*.ko", "kx-x.ko", false },
		{ "*[0-9]*[0-9].ko", "v1.a.22.ko", true },
		{ "[!a-z]", "m", false },
		{ "[z-a]", "m", false },
		{ "[a-]", "-", true },
		{ "[--0]", ".", true },
		{ "[]]", "]", true },
		{ "[!]]", "]", false },
		{ "[]-a]", "^", true },
		{ "[*?]", "x", false },
		{ "a[.-0]b", "a/b", false },
		{ "a[/]b", "a/b", false },
		{ "a[!x]b", "a/b", false },
		{ "a[/]b", "a[/]b", true },
		{ "[", "[", true },
		{ "[]", "[]", true },
		{ "[!]", "[!]", true },
		{ "[a", "a", false },
		{ "?", "\u00e9", true },
		{ "*??", "\u00e9", false },
		{ "[\u00e8-\u00ea]", "\u00e9", true },
		{ "[\u00e8]", "\u00e9", false },
		{ "\\*", "*", false },
		{ "\\*", "\\x", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (tuf_pattern_matches(cases[i].pattern, cases[i].path) != cases[i].matches)
			fail_msg("%s against %s", cases[i].pattern, cases[i].path);
	}
}

/* As long as a signed pattern can be, and the worst that it can hold: no more than a moment. */
static void hostile_patterns_take_no_time(void **state)
{
	static const struct {
		const char *unit;
		char path;
	} cases[] = {
		{ "*[", '[' }, { "[", '[' }, { "*a", 'a' }, { "*[!b]", 'a' }, { "[[]", '[' }
	};
	char pattern[4097], path[4097];

	(void)state;
	alarm(20);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pattern[0] = '*';
		for (size_t j = 1; j < sizeof(pattern) - 2; j++)
			pattern[j] = cases[i].unit[(j - 1) % strlen(cases[i].unit)];
		memcpy(pattern + sizeof(pattern) - 2, "X", 2);
		memset(path, cases[i].path, sizeof(path) - 1);
		path[sizeof(path) - 1] = '\0';
		assert_false(tuf_pattern_matches(pattern, path));
	}
	alarm(0);
}

static void hash_prefixes(void **state)
{
	/* SHA-256 of "a" starts with ca978112. */
	_cleanup_json_ json_t *hit = json_pack("{s:[s,s]}", "path_hash_prefixes", "00", "ca9");
	_cleanup_json_ json_t *miss = json_pack("{s:[s]}", "path_hash_prefixes", "cb");

	(void)state;
	assert_true(tuf_delegation_matches(hit, "a"));
	assert_false(tuf_delegation_matches(hit, "b"));
	assert_false(tuf_delegation_matches(miss, "a"));
}

static void lengths_and_hashes(void **state)
{
	_cleanup_json_ json_t *good =
		json_pack("{s:i, s:{s:s}}", "length", 1, "hashes", "sha256",
			  "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
	_cleanup_json_ json_t *both =
		json_pack("{s:{s:s, s:s}}", "hashes", "sha512", "00", "sha256",
			  "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
	_cleanup_json_ json_t *unknown = json_pack("{s:{s:s}}", "hashes", "md5", "00");

	(void)state;
	assert_int_equal(tuf_check_bytes(good, "x", "a", 1, NULL), 0);
	assert_int_equal(tuf_check_bytes(good, "x", "b", 1, NULL), ERR_HASH);
	assert_int_equal(tuf_check_bytes(good, "x", "ab", 2, NULL), ERR_HASH);
	assert_int_equal(tuf_check_bytes(both, "x", "a", 1, NULL), ERR_HASH);
	assert_int_equal(tuf_check_bytes(unknown, "x", "a", 1, NULL), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_golden),
		cmocka_unit_test(canonical_refuses),
		cmocka_unit_test(key_id_golden),
		cmocka_unit_test(every_key_type_signs_and_verifies),
		cmocka_unit_test(damaged_keys_are_refused),
		cmocka_unit_test(threshold_counts_keys_of_the_role),
		cmocka_unit_test(the_same_key_counts_once),
		cmocka_unit_test(form_of_every_type),
		cmocka_unit_test(form_tolerates),
		cmocka_unit_test(null_is_absent),
		cmocka_unit_test(form_refuses),
		cmocka_unit_test(write_and_parse_again),
		cmocka_unit_test(root_drops_keys_without_a_role),
		cmocka_unit_test(patterns),
		cmocka_unit_test(hostile_patterns_take_no_time),
		cmocka_unit_test(hash_prefixes),
		cmocka_unit_test(lengths_and_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
