/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/module/signature_support.h: what a kernel's configuration says of signatures. */
#include "unit.h"

#include "module/signature_support.h"

/* The lines of Debian's kernels. */
static const char debian_6_1[] = "# Automatically generated file; DO NOT EDIT.\n"
				 "CONFIG_MODULE_SIG_FORMAT=y\n"
				 "CONFIG_MODULE_SIG=y\n"
				 "# CONFIG_MODULE_SIG_FORCE is not set\n"
				 "CONFIG_MODULE_SIG_HASH=\"sha256\"\n"
				 "CONFIG_CRYPTO_RSA=y\n"
				 "# CONFIG_CRYPTO_ECDSA is not set\n"
				 "CONFIG_CRYPTO_SHA256=y\n"
				 "CONFIG_CRYPTO_SHA256_SSSE3=m\n"
				 "CONFIG_CRYPTO_SHA512=m\n";
static const char debian_6_12[] = "CONFIG_MODULE_SIG=y\n"
				  "CONFIG_CRYPTO_RSA=y\n"
				  "CONFIG_CRYPTO_ECDSA=y\n"
				  "CONFIG_CRYPTO_ECRDSA=m\n"
				  "CONFIG_CRYPTO_SHA256=y\n"
				  "CONFIG_CRYPTO_SHA512=y";

static struct signature_support parse(const char *text)
{
	struct signature_support support;
	struct error err = { 0 };

	assert_ok(signature_support_parse(text, strlen(text), &support, &err), &err);
	return support;
}

static void check(const struct signature_support *support, enum signature_algorithm algorithm,
		  enum signature_hash hash, const char *why)
{
	struct error err = { 0 };
	int r = signature_support_check(support, algorithm, hash, &err);

	if (!why) {
		assert_ok(r, &err);
		return;
	}
	assert_int_equal(r, ERR_UNSUPPORTED);
	if (!strstr(err.message, why))
		fail_msg("\"%s\" does not say \"%s\"", err.message, why);
	assert_true(err.hint[0]);
}

static void of_6_1(void **state)
{
	struct signature_support s = parse(debian_6_1);

	(void)state;
	assert_true(s.module_sig);
	check(&s, SIGNATURE_RSA, SIGNATURE_SHA256, NULL);
	check(&s, SIGNATURE_RSA, SIGNATURE_SHA384, "CONFIG_CRYPTO_SHA512 is a module");
	check(&s, SIGNATURE_RSA, SIGNATURE_SHA512, "SHA-512: CONFIG_CRYPTO_SHA512 is a module");
	check(&s, SIGNATURE_ECDSA_P256, SIGNATURE_SHA256, "CONFIG_CRYPTO_ECDSA is not set");
}

static void of_6_12(void **state)
{
	struct signature_support s = parse(debian_6_12);

	(void)state;
	check(&s, SIGNATURE_RSA, SIGNATURE_SHA512, NULL);
	check(&s, SIGNATURE_ECDSA_P384, SIGNATURE_SHA384, NULL);
	check(&s, SIGNATURE_ECDSA_P256, SIGNATURE_SHA256, NULL);
}

static void of_others(void **state)
{
	struct signature_support s = parse("CONFIG_MODULE_SIG=y\nCONFIG_CRYPTO_RSA=m\n"
					   "CONFIG_CRYPTO_SHA256_SSSE3=y\n");

	(void)state;
	check(&s, SIGNATURE_RSA, SIGNATURE_SHA256, "CONFIG_CRYPTO_RSA is a module");
	s = parse("CONFIG_MODULE_SIG=y\nCONFIG_CRYPTO_RSA=y\n");
	check(&s, SIGNATURE_RSA, SIGNATURE_SHA256, "CONFIG_CRYPTO_SHA256 is not set");
	/* It looks at no signature. */
	s = parse("# CONFIG_MODULE_SIG is not set\nCONFIG_CRYPTO_SHA256=m\n");
	check(&s, SIGNATURE_ECDSA_P384, SIGNATURE_SHA512, NULL);
	check(NULL, SIGNATURE_RSA, SIGNATURE_SHA256, NULL);
	check(NULL, SIGNATURE_RSA, SIGNATURE_SHA512, "is not known");
	check(NULL, SIGNATURE_ECDSA_P256, SIGNATURE_SHA256, "is not known");
}

static void no_configuration(void **state)
{
	static const char *const texts[] = { "", "\n\n", "hello", "# CONFIG_X is not set\n" };
	struct signature_support s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(signature_support_parse(texts[i], strlen(texts[i]), &s, NULL),
				 ERR_INVALID);
	assert_int_equal(signature_support_parse("", SIGNATURE_CONFIG_MAX + 1, &s, NULL),
			 ERR_TOO_LARGE);
}

static void names(void **state)
{
	enum signature_hash hash;

	(void)state;
	assert_int_equal(signature_hash_parse("sha384", &hash, NULL), 0);
	assert_string_equal(signature_hash_name(hash), "sha384");
	assert_int_equal(signature_hash_parse("sha1", &hash, NULL), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_6_1),    cmocka_unit_test(of_6_12),
		cmocka_unit_test(of_others), cmocka_unit_test(no_configuration),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
