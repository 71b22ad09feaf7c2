/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/module/certificate.h, key_lookup.h, and signatures with chains, ECDSA and other hashes. */
#include "sample_certs.h"

#include "base/hash.h"
#include "module/certificate.h"
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
	assert_ok(verify(&module, &g->root, SIGNATURE_ANY_TIME, NULL, &err), &err);
	sample_free(&late);
}

/* What signature_sign_with() would not make: any certificates at all go into the signature. */
static struct buf forge(const struct sample_cert *with, X509 *first, X509 *second)
{
	CMS_ContentInfo *cms = sample_cms(module_text, sizeof(module_text), with, EVP_sha256(),
					  CMS_DETACHED, CMS_NOATTR);

	assert_int_equal(CMS_add1_cert(cms, with->cert), 1);
	assert_int_equal(CMS_add1_cert(cms, first), 1);
	if (second)
		assert_int_equal(CMS_add1_cert(cms, second), 1);
	return sample_signed(module_text, sizeof(module_text), cms, 0);
}

/* At the very second at which a certificate ends, nothing else is forgiven. */
static void forged_at_the_last_second(void **state)
{
	struct group *g = *state;
	struct sample_cert forged = sample_make(&(struct sample_options){
		.name = "Forged", .curve = "P-256", .issuer = &g->middle, .forged_by = &g->ec });
	_cleanup_buf_ struct buf module = forge(&forged, g->middle.cert, g->root.cert);
	_cleanup_buf_ struct buf right = sign(&g->leaf, g->middle.cert_pem, SIGNATURE_SHA256);
	static const int64_t times[] = { SIGNATURE_ANY_TIME, 0, T0, T1 - 1, T1, T1 + 1 };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (verify(&module, &g->root, times[i], NULL, NULL) == 0 ||
		    verify(&module, &g->middle, times[i], NULL, NULL) == 0)
			fail_msg("forged, and accepted at %lld", (long long)times[i]);
	assert_ok(verify(&right, &g->root, T1, NULL, &err), &err);
	/* 1970 is a time, and not the lack of one. */
	assert_int_equal(verify(&right, &g->root, 0, NULL, NULL), ERR_EXPIRED);
	sample_free(&forged);
}

/* A signer's certificate is no authority, and one for web servers signs no modules. */
static void chains_of_the_wrong_kind(void **state)
{
	struct group *g = *state;
	struct sample_cert below = sample_make(
		&(struct sample_options){ .name = "Below", .curve = "P-256", .issuer = &g->leaf });
	struct sample_cert web = sample_make(&(struct sample_options){
		.name = "Web", .curve = "P-256", .issuer = &g->middle, .extended = "serverAuth" });
	struct sample_cert any = sample_make(&(struct sample_options){
		.name = "Any", .curve = "P-256", .issuer = &g->middle, .extended = "" });
	const struct {
		struct sample_cert *signer, *above;
		const char *why;
	} cases[] = { { &below, &g->leaf, "no chain from" },
		      { &web, NULL, "not for signing code" },
		      { &any, NULL, "not for signing code" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf module =
			forge(cases[i].signer, g->middle.cert,
			      cases[i].above ? cases[i].above->cert : NULL);
		_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
		struct signature_options o = { .key = cases[i].signer->key_pem,
					       .cert = cases[i].signer->cert_pem,
					       .chain = g->middle.cert_pem,
					       .support = &all };
		struct error err = { 0 };

		assert_int_equal(verify(&module, &g->root, T0, NULL, &err), ERR_UNTRUSTED);
		assert_non_null(strstr(err.message, cases[i].why));
		/* The same is refused at signing. */
		assert_true(signature_sign_with(module_text, 20, &o, &out, NULL) < 0);
		sample_free(cases[i].signer);
	}
}

/* An authority and a signer below it; the authority itself is what is trusted. */
static void authorities_of_the_wrong_kind(void **state)
{
	static const struct sample_options kinds[] = {
		{ .name = "CA",
		  .curve = "P-256",
		  .constraints = "critical,CA:TRUE",
		  .usage = "digitalSignature" },
		{ .name = "CA", .curve = "P-256", .constraints = "", .usage = "keyCertSign" },
		{ .name = "CA", .curve = "P-521", .constraints = "critical,CA:TRUE" },
	};
	struct group *g = *state;
	struct sample_cert narrow = sample_make(&(struct sample_options){
		.name = "Narrow", .curve = "P-256", .constraints = "critical,CA:TRUE,pathlen:0" });
	struct sample_cert middle =
		sample_make(&(struct sample_options){ .name = "Between",
						      .curve = "P-256",
						      .issuer = &narrow,
						      .constraints = "critical,CA:TRUE" });
	struct sample_cert leaf = sample_make(
		&(struct sample_options){ .name = "Leaf", .curve = "P-256", .issuer = &middle });
	_cleanup_buf_ struct buf module = forge(&leaf, middle.cert, NULL);

	assert_int_equal(verify(&module, &narrow, T0, NULL, NULL), ERR_UNTRUSTED);
	assert_int_equal(verify(&module, &middle, T0, NULL, NULL), 0);
	sample_free(&leaf);
	sample_free(&middle);
	sample_free(&narrow);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sample_cert ca = sample_make(&kinds[i]);
		struct sample_cert signer = sample_make(&(struct sample_options){
			.name = "Leaf", .curve = "P-256", .issuer = &ca });
		_cleanup_buf_ struct buf by = forge(&signer, g->ec.cert, NULL);

		if (verify(&by, &ca, T0, NULL, NULL) == 0)
			fail_msg("authority %zu is accepted", i);
		sample_free(&signer);
		sample_free(&ca);
	}
}

/* The name of a trusted authority, and another key. */
static void authority_of_the_same_name(void **state)
{
	struct group *g = *state;
	struct sample_cert twin = sample_make(&(struct sample_options){
		.name = "Root", .curve = "P-256", .constraints = "critical,CA:TRUE" });
	struct sample_cert leaf = sample_make(
		&(struct sample_options){ .name = "Leaf", .curve = "P-256", .issuer = &twin });
	_cleanup_buf_ struct buf alone = forge(&leaf, g->ec.cert, NULL);
	_cleanup_buf_ struct buf with = forge(&leaf, twin.cert, NULL);

	assert_int_equal(verify(&alone, &g->root, T0, NULL, NULL), ERR_UNTRUSTED);
	assert_int_equal(verify(&with, &g->root, T0, NULL, NULL), ERR_UNTRUSTED);
	assert_int_equal(verify(&with, &twin, T0, NULL, NULL), 0);
	sample_free(&leaf);
	sample_free(&twin);
}

/* Keys that no kernel takes are refused where they are trusted too. */
static void signers_of_the_wrong_kind(void **state)
{
	static const struct sample_options kinds[] = { { .name = "K", .curve = "P-521" },
						       { .name = "K", .bits = 2560 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sample_cert made = sample_make(&kinds[i]);
		_cleanup_buf_ struct buf module =
			sample_signed(module_text, sizeof(module_text),
				      sample_cms(module_text, sizeof(module_text), &made,
						 EVP_sha256(), CMS_DETACHED, CMS_NOATTR),
				      0);

		assert_int_equal(verify(&module, &made, T0, NULL, NULL), ERR_UNSUPPORTED);
		sample_free(&made);
	}
}

/* How certificates of a chain are signed. */
static void hashes_of_certificates(void **state)
{
	struct group *g = *state;
	const EVP_MD *const refused[] = { EVP_sha1(), EVP_sha224(), EVP_sha3_256() };

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct sample_cert ca =
			sample_make(&(struct sample_options){ .name = "Last",
							      .curve = "P-256",
							      .digest = refused[i],
							      .constraints = "critical,CA:TRUE" });
		struct sample_cert leaf = sample_make(&(struct sample_options){
			.name = "Leaf", .curve = "P-256", .issuer = &ca });
		struct sample_cert weak =
			sample_make(&(struct sample_options){ .name = "Weak",
							      .curve = "P-256",
							      .issuer = &g->middle,
							      .digest = refused[i] });
		struct signature_options o = { .key = leaf.key_pem,
					       .cert = leaf.cert_pem,
					       .chain = ca.cert_pem,
					       .support = &all };
		_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
		_cleanup_buf_ struct buf module = forge(&weak, g->middle.cert, NULL);
		struct error err = { 0 };

		assert_int_equal(signature_sign_with(module_text, 20, &o, &out, &err),
				 ERR_UNSUPPORTED);
		assert_non_null(strstr(err.message, "/CN=Last is signed with "));
		assert_true(verify(&module, &g->root, T0, NULL, NULL) < 0);
		sample_free(&weak);
		sample_free(&leaf);
		sample_free(&ca);
	}
}

static void sign_pss(X509 *cert, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;

	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
	assert_true(X509_sign_ctx(cert, ctx) > 0);
	EVP_MD_CTX_free(ctx);
}

static void algorithms_of_certificates(void **state)
{
	struct group *g = *state;
	X509 *pss = X509_dup(g->other.cert);
	enum signature_algorithm algorithm;
	enum signature_hash hash;
	struct error err = { 0 };

	assert_ok(certificate_signed_with(g->other.cert, &algorithm, &hash, &err), &err);
	assert_int_equal(algorithm, SIGNATURE_RSA);
	assert_int_equal(hash, SIGNATURE_SHA256);
	assert_ok(certificate_signed_with(g->leaf.cert, &algorithm, &hash, &err), &err);
	assert_int_not_equal(algorithm, SIGNATURE_RSA);
	sign_pss(pss, g->other.key);
	assert_int_equal(certificate_signed_with(pss, &algorithm, &hash, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "rsassaPss"));
	X509_free(pss);
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
	assert_int_equal(of_cert.n, 2);
	assert_string_equal(of_cert.items[0].id, lookups.items[0].id);
	assert_null(of_cert.items[0].tbs);
	certificate_key_id(g->leaf.cert, key_id, sizeof(key_id));
	assert_string_equal(of_cert.items[0].key_id, key_id);
	assert_int_equal(strlen(key_id), 40);
	/* Behind it, who issued it. */
	certificate_key_id(g->middle.cert, key_id, sizeof(key_id));
	assert_string_equal(of_cert.items[1].id, key_id);
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
	assert_string_equal(lookups.items[2].key_id, root);
	assert_string_equal(lookups.items[3].id, lookups.items[0].id);
}

static struct sample_cert issue(const struct sample_cert *issuer, const char *authority)
{
	return sample_make(&(struct sample_options){
		.name = "Issued", .curve = "P-256", .issuer = issuer, .authority = authority });
}

/* The kernel goes from certificate to certificate by the authority key identifier alone. */
static void lookup_follows_the_authority(void **state)
{
	struct group *g = *state;
	static const struct {
		const char *authority;
		bool by_serial, by_key;
	} cases[] = { { "keyid", false, true },
		      { "issuer:always", true, false },
		      { "keyid,issuer:always", true, true } };
	char middle[64];

	certificate_key_id(g->middle.cert, middle, sizeof(middle));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample_cert leaf = issue(&g->middle, cases[i].authority);
		_cleanup_buf_ struct buf with = forge(&leaf, g->middle.cert, NULL);
		_cleanup_buf_ struct buf alone = forge(&leaf, g->ec.cert, NULL);
		_cleanup_key_lookups_ struct key_lookups a = { 0 }, b = { 0 };

		lookups_of(&with, &a);
		assert_int_equal(a.n, 4);
		assert_string_equal(a.items[1].key_id, middle);
		lookups_of(&alone, &b);
		assert_int_equal(b.n, 3);
		assert_string_equal(b.items[1].id, cases[i].by_serial ? a.items[1].id : middle);
		if (cases[i].by_key)
			assert_string_equal(b.items[1].key_id, middle);
		else
			assert_null(b.items[1].key_id);
		assert_null(b.items[1].tbs);
		sample_free(&leaf);
	}
}

/* Without one it goes nowhere, so that such a chain is refused at signing. */
static void links_without_authority(void **state)
{
	struct group *g = *state;
	struct sample_cert leaf = issue(&g->middle, "");
	_cleanup_buf_ struct buf module = forge(&leaf, g->middle.cert, NULL);
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	struct signature_options o = { .key = leaf.key_pem,
				       .cert = leaf.cert_pem,
				       .chain = g->middle.cert_pem,
				       .support = &all };
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct error err = { 0 };

	lookups_of(&module, &lookups);
	assert_int_equal(lookups.n, 2);
	assert_int_equal(signature_sign_with(module_text, 20, &o, &out, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "authority key identifier"));
	sample_free(&leaf);
}

/* The authority has a new key, and its old name and serial number: the kernel refuses that. */
static void authority_that_contradicts_itself(void **state)
{
	struct group *g = *state;
	struct sample_cert old =
		sample_make(&(struct sample_options){ .name = "Middle",
						      .curve = "P-256",
						      .constraints = "critical,CA:TRUE",
						      .issuer = &g->root,
						      .serial = 200 });
	struct sample_cert leaf = issue(&old, "keyid,issuer:always");
	_cleanup_buf_ struct buf module = forge(&leaf, g->middle.cert, NULL);
	struct key_lookups lookups = { 0 };
	struct signature_parts parts;
	struct error err = { 0 };

	assert_ok(signature_split(module.data, module.len, &parts, &err), &err);
	assert_int_equal(key_lookup_signature(&parts, &lookups, &err), ERR_UNTRUSTED);
	sample_free(&leaf);
	sample_free(&old);
}

/* As `sign-file -k` does: certificates in the signature help no kernel then. */
static void signer_named_by_its_key(void **state)
{
	struct group *g = *state;
	CMS_ContentInfo *cms = sample_cms(module_text, sizeof(module_text), &g->leaf, EVP_sha256(),
					  CMS_DETACHED, CMS_NOATTR | CMS_USE_KEYID);
	_cleanup_buf_ struct buf module = BUF_INIT(1 << 20);
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	struct error err = { 0 };
	char leaf[64];

	CMS_add1_cert(cms, g->leaf.cert);
	CMS_add1_cert(cms, g->middle.cert);
	module = sample_signed(module_text, sizeof(module_text), cms, 0);
	assert_ok(verify(&module, &g->leaf, T0, NULL, &err), &err);
	assert_ok(verify(&module, &g->root, T0, NULL, &err), &err);
	assert_int_equal(verify(&module, &g->ec, T0, NULL, NULL), ERR_UNTRUSTED);
	lookups_of(&module, &lookups);
	certificate_key_id(g->leaf.cert, leaf, sizeof(leaf));
	assert_int_equal(lookups.n, 1);
	assert_string_equal(lookups.items[0].id, leaf);
	assert_string_equal(lookups.items[0].key_id, leaf);
}

/* What .blacklist would have: the hash of the certificate without its signature. */
static void hashes_of_what_was_signed(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf module = sign(&g->leaf, g->middle.cert_pem, SIGNATURE_SHA256);
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	char hash[SHA256_HEX_LEN + 1];
	uint8_t *der = NULL;
	X509 *copy = X509_dup(g->leaf.cert);
	int n = i2d_re_X509_tbs(copy, &der);

	assert_true(n > 0);
	assert_int_equal(hash_sha256_hex(der, (size_t)n, hash), 0);
	lookups_of(&module, &lookups);
	assert_string_equal(lookups.items[0].tbs, hash);
	assert_non_null(lookups.items[1].tbs);
	assert_string_not_equal(lookups.items[1].tbs, hash);
	assert_null(lookups.items[2].tbs);
	OPENSSL_free(der);
	X509_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_algorithms),
		cmocka_unit_test(refused_without_configuration),
		cmocka_unit_test(kinds_of_keys),
		cmocka_unit_test(chains),
		cmocka_unit_test(chains_have_dates),
		cmocka_unit_test(forged_at_the_last_second),
		cmocka_unit_test(chains_of_the_wrong_kind),
		cmocka_unit_test(authorities_of_the_wrong_kind),
		cmocka_unit_test(authority_of_the_same_name),
		cmocka_unit_test(signers_of_the_wrong_kind),
		cmocka_unit_test(hashes_of_certificates),
		cmocka_unit_test(algorithms_of_certificates),
		cmocka_unit_test(chains_refused_at_signing),
		cmocka_unit_test(old_and_new_overlap),
		cmocka_unit_test(lookup_of_a_signer),
		cmocka_unit_test(lookup_of_a_chain),
		cmocka_unit_test(lookup_follows_the_authority),
		cmocka_unit_test(links_without_authority),
		cmocka_unit_test(authority_that_contradicts_itself),
		cmocka_unit_test(signer_named_by_its_key),
		cmocka_unit_test(hashes_of_what_was_signed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
