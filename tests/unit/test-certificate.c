/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/module/certificate.h, key_lookup.h, and signatures with chains, ECDSA and other hashes. */
#include "sample_certs.h"

#include "base/hash.h"
#include "module/cms.h"
#include "module/key_lookup.h"
#include "module/signature.h"

#define T0   SAMPLE_T0
#define T1   (T0 + SAMPLE_DAYS * 86400)
#define DAYS (SAMPLE_DAYS * INT64_C(86400))

static const char module_text[] = "\x7f"
				  "ELF, and the rest of a module";
static const struct signature_support all = { true, SIGNATURE_BUILT_IN, SIGNATURE_BUILT_IN,
					      SIGNATURE_BUILT_IN, SIGNATURE_BUILT_IN };

/* An authority, one below it, and what that one issued. */
struct group {
	struct sample_cert root, middle, leaf, other, ec, ec384;
};

static int group_setup(void **state)
{
	struct group *g = calloc(1, sizeof(*g));

	g->root = sample_make(&(struct sample_options){
		.name = "Root", .curve = "P-256", .constraints = "critical,CA:TRUE" });
	g->middle = sample_make(&(struct sample_options){ .name = "Middle",
							  .curve = "P-256",
							  .constraints = "critical,CA:TRUE",
							  .issuer = &g->root,
							  .serial = 200 });
	g->leaf = sample_make(&(struct sample_options){
		.name = "Leaf", .curve = "P-256", .issuer = &g->middle, .serial = 0x80 });
	g->other = sample_make(&(struct sample_options){ .name = "Other" });
	g->ec = sample_make(&(struct sample_options){ .name = "EC", .curve = "P-256" });
	g->ec384 = sample_make(&(struct sample_options){ .name = "EC 384", .curve = "P-384" });
	*state = g;
	return 0;
}

static int group_teardown(void **state)
{
	struct group *g = *state;

	sample_free(&g->root);
	sample_free(&g->middle);
	sample_free(&g->leaf);
	sample_free(&g->other);
	sample_free(&g->ec);
	sample_free(&g->ec384);
	free(g);
	return 0;
}

static struct buf sign(const struct sample_cert *with, const char *chain, enum signature_hash hash)
{
	struct signature_options o = { .key = with->key_pem,
				       .cert = with->cert_pem,
				       .chain = chain,
				       .hash = hash,
				       .support = &all };
	struct buf out = BUF_INIT(1 << 20);
	struct error err = { 0 };

	assert_ok(signature_sign_with(module_text, sizeof(module_text), &o, &out, &err), &err);
	return out;
}

static int verify(const struct buf *module, const struct sample_cert *trusted, int64_t time,
		  struct signature_signer *ret, struct error *err)
{
	const char *certs[] = { trusted->cert_pem };

	return signature_verify(module->data, module->len, certs, 1, time, ret, err);
}

static void other_algorithms(void **state)
{
	struct group *g = *state;
	const struct {
		const struct sample_cert *with;
		enum signature_hash hash;
	} cases[] = {
		{ &g->other, SIGNATURE_SHA384 }, { &g->other, SIGNATURE_SHA512 },
		{ &g->ec, SIGNATURE_SHA256 },    { &g->ec, SIGNATURE_SHA512 },
		{ &g->ec384, SIGNATURE_SHA384 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf module = sign(cases[i].with, NULL, cases[i].hash);
		struct signature_signer signer;
		struct error err = { 0 };

		assert_ok(verify(&module, cases[i].with, T0, &signer, &err), &err);
		assert_int_equal(signer.hash, cases[i].hash);
		assert_string_equal(signer.subject, signer.anchor);
		module.data[3] ^= 1;
		assert_int_equal(verify(&module, cases[i].with, T0, NULL, NULL), ERR_SIGNATURE);
	}
}

/* Without a configuration that has them they are refused, and nothing is written. */
static void refused_without_configuration(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct signature_options o = { .key = g->ec.key_pem, .cert = g->ec.cert_pem };

	assert_int_equal(signature_sign_with(module_text, 20, &o, &out, NULL), ERR_UNSUPPORTED);
	o = (struct signature_options){ .key = g->other.key_pem,
					.cert = g->other.cert_pem,
					.hash = SIGNATURE_SHA512 };
	assert_int_equal(signature_sign_with(module_text, 20, &o, &out, NULL), ERR_UNSUPPORTED);
	assert_int_equal(out.len, 0);
}

static void kinds_of_keys(void **state)
{
	static const struct {
		unsigned bits;
		int result;
	} sizes[] = { { 1024, ERR_UNSUPPORTED }, { 2048, 0 }, { 2560, ERR_UNSUPPORTED } };
	EVP_PKEY *key = EVP_EC_gen("P-521");
	enum signature_algorithm algorithm;

	(void)state;
	assert_int_equal(certificate_classify(key, &algorithm, NULL), ERR_UNSUPPORTED);
	EVP_PKEY_free(key);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		key = EVP_RSA_gen(sizes[i].bits);
		assert_int_equal(certificate_classify(key, &algorithm, NULL), sizes[i].result);
		EVP_PKEY_free(key);
	}
}

static char *join(const struct sample_cert *a, const struct sample_cert *b)
{
	char *text;

	assert_true(asprintf(&text, "%s%s", a->cert_pem, b ? b->cert_pem : "") > 0);
	return text;
}

static void chains(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf with = sign(&g->leaf, g->middle.cert_pem, SIGNATURE_SHA256);
	_cleanup_buf_ struct buf without = sign(&g->leaf, NULL, SIGNATURE_SHA256);
	struct signature_signer signer;
	struct error err = { 0 };

	assert_ok(verify(&with, &g->root, T0, &signer, &err), &err);
	assert_string_equal(signer.subject, "/CN=Leaf");
	assert_string_equal(signer.anchor, "/CN=Root");
	/* Any certificate on the way may be the trusted one. */
	assert_ok(verify(&with, &g->middle, T0, &signer, &err), &err);
	assert_string_equal(signer.anchor, "/CN=Middle");
	assert_ok(verify(&with, &g->leaf, T0, &signer, &err), &err);
	assert_string_equal(signer.anchor, "/CN=Leaf");
	assert_ok(verify(&without, &g->leaf, T0, &signer, &err), &err);
	assert_int_equal(verify(&without, &g->root, T0, NULL, NULL), ERR_UNTRUSTED);
	assert_int_equal(verify(&with, &g->other, T0, NULL, NULL), ERR_UNTRUSTED);
	for (size_t i = 0; i < with.len; i++) {
		with.data[i] ^= 0x04;
		if (verify(&with, &g->root, T0, NULL, NULL) == 0)
			fail_msg("byte %zu of %zu flipped, and accepted", i, with.len);
		with.data[i] ^= 0x04;
	}
}

/* The authority's dates count as the signer's do. */
static void chains_have_dates(void **state)
{
	struct group *g = *state;
	struct sample_cert late = sample_make(&(struct sample_options){
		.name = "Late", .curve = "P-256", .issuer = &g->middle, .not_before = T1 - 86400 });
	_cleanup_buf_ struct buf module = sign(&late, g->middle.cert_pem, SIGNATURE_SHA256);
	struct error err = { 0 };

	assert_int_equal(verify(&module, &g->root, T0, NULL, &err), ERR_EXPIRED);
	assert_non_null(strstr(err.message, "/CN=Late"));
	assert_ok(verify(&module, &g->root, T1 - 1, NULL, &err), &err);
	assert_int_equal(verify(&module, &g->root, T1 + 1, NULL, &err), ERR_EXPIRED);
	assert_null(strstr(err.message, "/CN=Late"));
	/* Trusted by itself: its own dates alone. */
	assert_ok(verify(&module, &late, T1 + 1, NULL, &err), &err);
	assert_ok(verify(&module, &g->root, 0, NULL, &err), &err);
	sample_free(&late);
}

/* What signature_sign_with() would not make: any certificates at all go into the signature. */
static struct buf forge(const struct sample_cert *with, X509 *first, X509 *second)
{
	static const char marker[] = "~Module signature appended~\n";
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct buf out = BUF_INIT(1 << 20);
	_cleanup_buf_ struct buf cms = BUF_INIT(1 << 20);
	uint8_t trailer[12] = { 0, 0, 2 };
	struct error err = { 0 };

	sk_X509_push(chain, first);
	sk_X509_push(chain, second);
	assert_ok(cms_make(module_text, sizeof(module_text), with->key, with->cert, chain,
			   EVP_sha256(), &cms, &err),
		  &err);
	sk_X509_free(chain);
	trailer[10] = (uint8_t)(cms.len >> 8);
	trailer[11] = (uint8_t)cms.len;
	assert_int_equal(buf_append(&out, module_text, sizeof(module_text)), 0);
	assert_int_equal(buf_append(&out, cms.data, cms.len), 0);
	assert_int_equal(buf_append(&out, trailer, sizeof(trailer)), 0);
	assert_int_equal(buf_append(&out, marker, sizeof(marker) - 1), 0);
	return out;
}

/* A signer's certificate is no authority, and one for web servers signs no modules. */
static void chains_of_the_wrong_kind(void **state)
{
	struct group *g = *state;
	struct sample_cert below = sample_make(
		&(struct sample_options){ .name = "Below", .curve = "P-256", .issuer = &g->leaf });
	struct sample_cert web = sample_make(&(struct sample_options){
		.name = "Web", .curve = "P-256", .issuer = &g->middle, .extended = "serverAuth" });
	_cleanup_buf_ struct buf by_below = forge(&below, g->leaf.cert, g->middle.cert);
	_cleanup_buf_ struct buf by_web = sign(&web, g->middle.cert_pem, SIGNATURE_SHA256);
	struct error err = { 0 };

	assert_int_equal(verify(&by_below, &g->root, T0, NULL, NULL), ERR_UNTRUSTED);
	assert_int_equal(verify(&by_web, &g->root, T0, NULL, &err), ERR_UNTRUSTED);
	assert_non_null(strstr(err.message, "not for signing code"));
	sample_free(&below);
	sample_free(&web);
}

static void chains_refused_at_signing(void **state)
{
	struct group *g = *state;
	_cleanup_free_ char *broken = join(&g->root, &g->middle), *five = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct signature_options o = { .key = g->leaf.key_pem, .cert = g->leaf.cert_pem };

	o.chain = broken;
	assert_int_equal(signature_sign_with(module_text, 20, &o, &out, NULL), ERR_INVALID);
	o.chain = "no certificate";
	assert_int_equal(signature_sign_with(module_text, 20, &o, &out, NULL), ERR_INVALID);
	assert_true(asprintf(&five, "%s%s%s%s", g->middle.cert_pem, g->root.cert_pem,
			     g->root.cert_pem, g->root.cert_pem) > 0);
	o.chain = five;
	assert_int_equal(signature_sign_with(module_text, 20, &o, &out, NULL), ERR_TOO_LARGE);
	assert_int_equal(out.len, 0);
}

/* Old and new: the same name and number, and each signature is checked with the fitting one. */
static void old_and_new_overlap(void **state)
{
	struct group *g = *state;
	struct sample_cert renewed = sample_make(
		&(struct sample_options){ .name = "Other", .key_of = &g->other, .not_before = T1 });
	struct sample_cert replaced = sample_make(
		&(struct sample_options){ .name = "Other", .curve = "P-256", .not_before = T1 });
	const char *certs[] = { g->other.cert_pem, renewed.cert_pem, replaced.cert_pem };
	_cleanup_buf_ struct buf one = sign(&g->other, NULL, SIGNATURE_SHA256);
	_cleanup_buf_ struct buf two = sign(&replaced, NULL, SIGNATURE_SHA256);
	struct error err = { 0 };

	assert_ok(signature_verify(one.data, one.len, certs, 3, T0, NULL, &err), &err);
	assert_ok(signature_verify(one.data, one.len, certs, 3, T1 + 1, NULL, &err), &err);
	assert_int_equal(signature_verify(one.data, one.len, certs, 1, T1 + 1, NULL, NULL),
			 ERR_EXPIRED);
	assert_ok(signature_verify(two.data, two.len, certs, 3, T1 + 1, NULL, &err), &err);
	assert_int_equal(signature_verify(two.data, two.len, certs, 3, T0, NULL, NULL),
			 ERR_EXPIRED);
	assert_int_equal(signature_verify(two.data, two.len, certs, 3, T1 + DAYS + 1, NULL, NULL),
			 ERR_EXPIRED);
	sample_free(&renewed);
	sample_free(&replaced);
}

static void lookups_of(const struct buf *module, struct key_lookups *ret)
{
	struct signature_parts parts;
	struct error err = { 0 };

	assert_ok(signature_split(module->data, module->len, &parts, &err), &err);
	assert_ok(key_lookup_signature(&parts, ret, &err), &err);
}

/* DER by hand: INTEGER contents (a leading zero before 0x80), then the contents of the issuer's
 * Name: SET { SEQUENCE { OID 2.5.4.3, UTF8String } }. */
static void lookup_of_a_signer(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf module = sign(&g->leaf, NULL, SIGNATURE_SHA256);
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 }, of_cert = { 0 };
	struct error err = { 0 };
	char key_id[64];

	lookups_of(&module, &lookups);
	assert_int_equal(lookups.n, 1);
	assert_string_equal(lookups.items[0].id, "0080"
						 "310f300d06035504030c06"
						 "4d6964646c65");
	assert_null(lookups.items[0].key_id);
	assert_ok(key_lookup_certificate(g->leaf.cert_pem, &of_cert, &err), &err);
	assert_int_equal(of_cert.n, 1);
	assert_string_equal(of_cert.items[0].id, lookups.items[0].id);
	certificate_key_id(g->leaf.cert, key_id, sizeof(key_id));
	assert_string_equal(of_cert.items[0].key_id, key_id);
	assert_int_equal(strlen(key_id), 40);
}

static void lookup_of_a_chain(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf module = sign(&g->leaf, g->middle.cert_pem, SIGNATURE_SHA256);
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	char leaf[64], middle[64], root[64];

	certificate_key_id(g->leaf.cert, leaf, sizeof(leaf));
	certificate_key_id(g->middle.cert, middle, sizeof(middle));
	certificate_key_id(g->root.cert, root, sizeof(root));
	lookups_of(&module, &lookups);
	assert_int_equal(lookups.n, 4);
	assert_string_equal(lookups.items[0].key_id, leaf);
	assert_string_equal(lookups.items[1].id, "00c8"
						 "310d300b06035504030c04"
						 "526f6f74");
	assert_string_equal(lookups.items[1].key_id, middle);
	assert_string_equal(lookups.items[2].id, root);
	assert_null(lookups.items[2].key_id);
	assert_string_equal(lookups.items[3].id, lookups.items[0].id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_algorithms),
		cmocka_unit_test(refused_without_configuration),
		cmocka_unit_test(kinds_of_keys),
		cmocka_unit_test(chains),
		cmocka_unit_test(chains_have_dates),
		cmocka_unit_test(chains_of_the_wrong_kind),
		cmocka_unit_test(chains_refused_at_signing),
		cmocka_unit_test(old_and_new_overlap),
		cmocka_unit_test(lookup_of_a_signer),
		cmocka_unit_test(lookup_of_a_chain),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
