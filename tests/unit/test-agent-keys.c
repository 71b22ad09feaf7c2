/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/agent/keys.h: what sutured says of a module before the kernel does, with keyrings of ours. */
#include "fake_keyrings.h"
#include "sample_certs.h"

#include "agent/keys.h"
#include "module/key_lookup.h"
#include "module/signature.h"

static const char module_text[] = "\x7f"
				  "ELF, and the rest of a module";
static const struct kernel_facts demands = { .version = "#1 SMP Debian 6.1.192-2",
					     .lockdown = KERNEL_LOCKDOWN_INTEGRITY };
static const struct kernel_facts demands_too = { .version = "#1 SMP",
						 .lockdown = KERNEL_LOCKDOWN_INTEGRITY };
static const struct kernel_facts permits = { .version = "#1 SMP Debian 6.1.192-2",
					     .signatures_enforced = KERNEL_NO,
					     .lockdown = KERNEL_LOCKDOWN_NONE };

/* A module signed by `leaf`, with the authority's certificate `middle` in it. */
struct group {
	struct sample_cert root, middle, leaf;
	struct buf module;
	struct key_lookups lookups; /* leaf, middle, root, the signer by its name */
};

/* `authority`: how the certificate of `middle` names the root. */
static struct group *make_group(const char *authority)
{
	static const struct signature_support all = { true, SIGNATURE_BUILT_IN, SIGNATURE_BUILT_IN,
						      SIGNATURE_BUILT_IN, SIGNATURE_BUILT_IN };
	struct group *g = calloc(1, sizeof(*g));
	struct signature_parts parts;
	struct error err = { 0 };

	assert_non_null(g);
	g->root = sample_make(&(struct sample_options){
		.name = "Root", .curve = "P-256", .constraints = "critical,CA:TRUE" });
	g->middle = sample_make(&(struct sample_options){ .name = "Middle",
							  .curve = "P-256",
							  .constraints = "critical,CA:TRUE",
							  .issuer = &g->root,
							  .serial = 7,
							  .authority = authority });
	g->leaf = sample_make(&(struct sample_options){
		.name = "Leaf", .curve = "P-256", .issuer = &g->middle, .serial = 8 });
	g->module = BUF_INIT(1 << 20);
	assert_ok(signature_sign_with(module_text, sizeof(module_text),
				      &(struct signature_options){ .key = g->leaf.key_pem,
								   .cert = g->leaf.cert_pem,
								   .chain = g->middle.cert_pem,
								   .support = &all },
				      &g->module, &err),
		  &err);
	assert_ok(signature_split(g->module.data, g->module.len, &parts, &err), &err);
	assert_ok(key_lookup_signature(&parts, &g->lookups, &err), &err);
	assert_int_equal(g->lookups.n, 4);
	return g;
}

static void free_group(struct group *g)
{
	sample_free(&g->root);
	sample_free(&g->middle);
	sample_free(&g->leaf);
	buf_free(&g->module);
	key_lookups_clear(&g->lookups);
	free(g);
}

static int group_setup(void **state)
{
	*state = make_group(NULL);
	return 0;
}

static int group_teardown(void **state)
{
	free_group(*state);
	return 0;
}

/* Puts a key into a keyring; of the type blacklist with `tbs`. */
static void hold(struct fake *fake, size_t slot, int32_t ring, const char *id, const char *key_id,
		 const char *tbs)
{
	static char texts[FAKE_EXTRA][3][600];
	char(*text)[600] = texts[slot];

	snprintf(text[0], sizeof(text[0]), "%s:%s", tbs ? "tbs" : "ex", tbs ? tbs : id);
	snprintf(text[1], sizeof(text[1]), "ex:%s", key_id ? key_id : "1234");
	snprintf(text[2], sizeof(text[2]), "Key: %s", key_id ? key_id : "1234");
	fake->extra[slot] = (struct fake_key){ FIRST_EXTRA + (int32_t)slot,
					       ring,
					       { text[0], tbs ? NULL : text[1] },
					       tbs ? NULL : text[2] };
}

static void hold_lookup(struct fake *fake, size_t slot, int32_t ring, const struct key_lookup *l)
{
	hold(fake, slot, ring, l->id, l->key_id, NULL);
}

static int judge(const struct group *g, struct fake *fake, const struct kernel_facts *facts,
		 const char *sha256, const char *words)
{
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct patch patch = { .data = g->module.data, .len = g->module.len };
	struct error err = { 0 };
	int r;

	fake->mok_trusted = true;
	snprintf(patch.claim.module, sizeof(patch.claim.module), "suture_test");
	snprintf(patch.claim.sha256, sizeof(patch.claim.sha256), "%s", sha256);
	assert_int_equal(fake_keys(fake, facts, &keys), 0);
	r = keys_judge_module(keys, facts, &patch, g->lookups.items[0].key_id, &err);
	if (words && !strstr(err.message, words))
		fail_msg("\"%s\" does not say \"%s\"", err.message, words);
	return r;
}

static void any_key_of_the_chain(void **state)
{
	static const int32_t rings[] = { BUILTIN, MACHINE, PLATFORM };
	struct group *g = *state;

	for (size_t ring = 0; ring < ARRAY_SIZE(rings); ring++)
		for (size_t i = 0; i < 3; i++) {
			struct fake fake = { 0 };

			hold_lookup(&fake, 0, rings[ring], &g->lookups.items[i]);
			assert_int_equal(judge(g, &fake, &demands, "fe", NULL), 0);
		}
}

static void no_key(void **state)
{
	struct group *g = *state;
	struct fake fake = { 0 };

	assert_int_equal(judge(g, &fake, &demands, "fe", "in none of the kernel's keyrings"),
			 ERR_UNTRUSTED);
	assert_int_equal(judge(g, &fake, &permits, "fe", NULL), 0);
}

/* Another key under the name and number of the authority, or of the signer. */
static void another_key(void **state)
{
	struct group *g = *state;

	for (size_t i = 0; i < 2; i++) {
		struct fake fake = { 0 };

		hold(&fake, 0, BUILTIN, g->lookups.items[i].id, NULL, NULL);
		assert_int_equal(judge(g, &fake, &demands, "fe", "another key under the same"),
				 ERR_UNTRUSTED);
	}
}

/*
 * An authority that a certificate names by issuer and serial number alone: the kernel asks for no
 * key identifier then (pkcs7_validate_trust_one(), asymmetric_type.c), so the root's key counts. Of
 * the signer, named the same way, it is known which key it has to be.
 */
static void authority_by_name_alone(void **state)
{
	struct group *g = make_group("issuer:always");
	const struct key_lookup *root = &g->lookups.items[2], *signer = &g->lookups.items[3];
	struct fake fake = { 0 }, stranger = { 0 };

	(void)state;
	assert_null(root->key_id);
	assert_null(signer->key_id);
	hold(&fake, 0, BUILTIN, root->id, NULL, NULL);
	assert_int_equal(judge(g, &fake, &demands, "fe", NULL), 0);
	hold(&stranger, 0, BUILTIN, signer->id, NULL, NULL);
	assert_int_equal(judge(g, &stranger, &demands, "fe", "another key under the same"),
			 ERR_UNTRUSTED);
	free_group(g);
}

/* What is forbidden is refused whatever else the kernel has, and demands. */
static void forbidden(void **state)
{
	struct group *g = *state;

	for (size_t i = 0; i < 3; i++) {
		struct fake fake = { 0 };

		hold_lookup(&fake, 0, BUILTIN, &g->lookups.items[0]);
		hold_lookup(&fake, 1, BLACKLIST, &g->lookups.items[i]);
		assert_int_equal(judge(g, &fake, &demands, "fe", ".blacklist"), ERR_UNTRUSTED);
		assert_int_equal(judge(g, &fake, &permits, "fe", ".blacklist"), ERR_UNTRUSTED);
	}
	for (size_t i = 0; i < 2; i++) {
		struct fake fake = { 0 };

		hold_lookup(&fake, 0, BUILTIN, &g->lookups.items[0]);
		hold(&fake, 1, BLACKLIST, "", NULL, g->lookups.items[i].tbs);
		assert_int_equal(judge(g, &fake, &permits, "fe", ".blacklist"), ERR_UNTRUSTED);
	}
}

/* Debian looks at the module's own hash, after the signature. */
static void forbidden_module(void **state)
{
	struct group *g = *state;
	struct fake fake = { 0 };

	assert_int_equal(judge(g, &fake, &permits, "ff", NULL), 0);
	hold_lookup(&fake, 0, BUILTIN, &g->lookups.items[0]);
	assert_int_equal(judge(g, &fake, &permits, "ff", "has its hash"), ERR_UNTRUSTED);
	assert_int_equal(judge(g, &fake, &demands, "ff", "has its hash"), ERR_UNTRUSTED);
	assert_int_equal(judge(g, &fake, &demands_too, "ff", NULL), 0);
}

/* What is not known is the kernel's to say. */
static void unknown(void **state)
{
	struct group *g = *state;
	struct fake broken = { .search_result = -ENOMEM, .broken = BUILTIN, .only_asked = true };
	struct fake platform = { 0 };

	assert_int_equal(judge(g, &broken, &demands, "fe", NULL), 0);
	hold_lookup(&platform, 0, PLATFORM, &g->lookups.items[1]);
	assert_int_equal(judge(g, &platform, &demands_too, "fe", NULL), 0);
}

/* A certificate's "accepted", with what "reason" says. */
static void describes(const struct group *g, struct fake *fake, int type, const char *reason)
{
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	_cleanup_json_ json_t *o = NULL;
	const char *said;

	assert_int_equal(fake_keys(fake, &demands, &keys), 0);
	o = keys_describe_certificate(keys, g->leaf.cert_pem);
	assert_int_equal(json_typeof(json_object_get(o, "accepted")), type);
	said = json_string_value(json_object_get(o, "reason"));
	if (reason ? !said || !strstr(said, reason) : said != NULL)
		fail_msg("\"%s\" does not say \"%s\"", said ? said : "", reason ? reason : "");
}

static void certificates(void **state)
{
	struct group *g = *state;
	struct fake none = { 0 }, own = { 0 }, issuer = { 0 }, bad = { 0 };

	describes(g, &none, JSON_FALSE, "in none of the kernel's keyrings");
	hold_lookup(&own, 0, BUILTIN, &g->lookups.items[0]);
	describes(g, &own, JSON_TRUE, NULL);
	hold_lookup(&issuer, 0, PLATFORM, &g->lookups.items[1]);
	describes(g, &issuer, JSON_NULL, "--chain");
	hold_lookup(&bad, 0, BUILTIN, &g->lookups.items[0]);
	hold_lookup(&bad, 1, BLACKLIST, &g->lookups.items[0]);
	describes(g, &bad, JSON_FALSE, ".blacklist");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_key_of_the_chain), cmocka_unit_test(no_key),
		cmocka_unit_test(another_key),          cmocka_unit_test(forbidden),
		cmocka_unit_test(forbidden_module),     cmocka_unit_test(unknown),
		cmocka_unit_test(certificates),         cmocka_unit_test(authority_by_name_alone),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
