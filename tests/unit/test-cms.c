/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/module/cms.h: each way in which a blob is not one that the kernel's tools write. */
#include "sample_certs.h"

#include "module/signature.h"

#define DETACHED CMS_DETACHED
#define PLAIN    CMS_NOATTR

static const char module_text[] = "\x7f"
				  "ELF, and the rest of a module";

static int group_setup(void **state)
{
	struct sample_cert *signer = calloc(1, sizeof(*signer));

	*signer = sample_make(&(struct sample_options){ .name = "Signer", .curve = "P-256" });
	*state = signer;
	return 0;
}

static int group_teardown(void **state)
{
	sample_free(*state);
	free(*state);
	return 0;
}

static CMS_ContentInfo *make(const struct sample_cert *with, const EVP_MD *digest, unsigned flags,
			     unsigned signer_flags)
{
	return sample_cms(module_text, sizeof(module_text), with, digest, flags, signer_flags);
}

/* Takes the blob: what signature_verify() says of it, and that it says so in these words. */
static int verdict(const struct sample_cert *trusted, CMS_ContentInfo *cms, size_t extra,
		   const char *words)
{
	_cleanup_buf_ struct buf module =
		sample_signed(module_text, sizeof(module_text), cms, extra);
	const char *certs[] = { trusted->cert_pem };
	struct error err = { 0 };
	int r = signature_verify(module.data, module.len, certs, 1, SAMPLE_T0, NULL, &err);

	if (!strstr(err.message, words))
		fail_msg("\"%s\" does not say \"%s\"", err.message, words);
	return r;
}

static void plain(void **state)
{
	assert_int_equal(verdict(*state, make(*state, EVP_sha256(), DETACHED, PLAIN), 0, ""), 0);
	assert_int_equal(verdict(*state, make(*state, EVP_sha512(), DETACHED, PLAIN), 0, ""), 0);
}

static void signed_attributes(void **state)
{
	CMS_ContentInfo *cms = make(*state, EVP_sha256(), DETACHED, 0);
	CMS_SignerInfo *info;

	assert_int_equal(verdict(*state, cms, 0, "has signed attributes"), ERR_INVALID);
	/* None are left, but the field is there. */
	cms = make(*state, EVP_sha256(), DETACHED, 0);
	info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	while (CMS_signed_get_attr_count(info) > 0)
		X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, 0));
	assert_int_equal(verdict(*state, cms, 0, "has signed attributes"), ERR_INVALID);
}

static void unsigned_attributes(void **state)
{
	CMS_ContentInfo *cms = make(*state, EVP_sha256(), DETACHED, PLAIN);
	CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);

	assert_int_equal(CMS_unsigned_add1_attr_by_NID(info, NID_pkcs9_challengePassword,
						       V_ASN1_UTF8STRING, "x", 1),
			 1);
	assert_int_equal(verdict(*state, cms, 0, "does not fit"), ERR_SIGNATURE);
}

static void two_signers(void **state)
{
	const struct sample_cert *signer = *state;
	struct sample_cert other =
		sample_make(&(struct sample_options){ .name = "Other", .curve = "P-256" });
	BIO *bio = BIO_new_mem_buf(module_text, sizeof(module_text));
	CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL,
			 CMS_NOCERTS | CMS_BINARY | CMS_PARTIAL | CMS_STREAM | DETACHED);

	CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), CMS_NOCERTS | PLAIN);
	CMS_add1_signer(cms, other.cert, other.key, EVP_sha256(), CMS_NOCERTS | PLAIN);
	assert_int_equal(CMS_final(cms, bio, NULL, CMS_BINARY | DETACHED), 1);
	assert_int_equal(verdict(signer, cms, 0, "not one detached signature"), ERR_INVALID);
	BIO_free_all(bio);
	sample_free(&other);
}

static void other_hash(void **state)
{
	assert_int_equal(verdict(*state, make(*state, EVP_sha1(), DETACHED, PLAIN), 0,
				 "its hash is not SHA-2"),
			 ERR_UNSUPPORTED);
}

static void embedded_content(void **state)
{
	assert_int_equal(verdict(*state, make(*state, EVP_sha256(), 0, PLAIN), 0,
				 "not one detached signature"),
			 ERR_INVALID);
}

static void bytes_behind_it(void **state)
{
	assert_int_equal(verdict(*state, make(*state, EVP_sha256(), DETACHED, PLAIN), 1, "damaged"),
			 ERR_INVALID);
}

static void another_type(void **state)
{
	BIO *bio = BIO_new_mem_buf(module_text, sizeof(module_text));

	assert_int_equal(verdict(*state, CMS_data_create(bio, CMS_BINARY), 0, "damaged"),
			 ERR_INVALID);
	BIO_free_all(bio);
}

static void too_many_certificates(void **state)
{
	CMS_ContentInfo *cms = make(*state, EVP_sha256(), DETACHED, PLAIN);

	for (int i = 0; i <= SIGNATURE_CHAIN_MAX; i++) {
		struct sample_cert more = sample_make(&(struct sample_options){
			.name = "More", .curve = "P-256", .serial = i + 1 });

		assert_int_equal(CMS_add1_cert(cms, more.cert), 1);
		sample_free(&more);
	}
	assert_int_equal(verdict(*state, cms, 0, "more than 4 certificates"), ERR_INVALID);
}

static void with_a_revocation_list(void **state)
{
	const struct sample_cert *signer = *state;
	CMS_ContentInfo *cms = make(signer, EVP_sha256(), DETACHED, PLAIN);
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)SAMPLE_T0);

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(signer->cert));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, now);
	assert_true(X509_CRL_sign(crl, signer->key, EVP_sha256()) > 0);
	assert_int_equal(CMS_add1_crl(cms, crl), 1);
	assert_int_equal(verdict(signer, cms, 0, "does not fit"), ERR_SIGNATURE);
	ASN1_TIME_free(now);
	X509_CRL_free(crl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(signed_attributes),
		cmocka_unit_test(unsigned_attributes),
		cmocka_unit_test(two_signers),
		cmocka_unit_test(other_hash),
		cmocka_unit_test(embedded_content),
		cmocka_unit_test(bytes_behind_it),
		cmocka_unit_test(another_type),
		cmocka_unit_test(too_many_certificates),
		cmocka_unit_test(with_a_revocation_list),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
