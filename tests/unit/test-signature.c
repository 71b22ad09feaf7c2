/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/module/signature.h, and the same bytes read by the openssl program. */
#include "unit.h"

#include "test-cert.h"
#include <sys/wait.h>

#include "base/macro.h"
#include "base/process.h"
#include "module/certificate.h"
#include "module/signature.h"

/* 2048-bit RSA keys are made once by OpenSSL for the whole group. */
struct pair {
	char *key, *cert;
};

#define T0   INT64_C(1750000000)
#define DAYS 100

static const char module_text[] = "\x7f"
				  "ELF, and the rest of a module";

static char *make_key(const char *algorithm, const char *option)
{
	const char *argv[] = { "openssl",  "genpkey", "-algorithm", algorithm,
			       "-pkeyopt", option,    NULL };
	struct buf out = BUF_INIT(8192);
	_cleanup_buf_ struct buf noise = BUF_INIT(65536);
	struct process_options options = {
		.argv = argv, .timeout_ms = 60000, .out = &out, .errout = &noise
	};
	struct error err = { 0 };

	assert_ok(process_run(&options, NULL, &err), &err);
	return (char *)buf_take(&out, NULL);
}

static struct pair make_pair(const char *name)
{
	struct buf out = BUF_INIT(8192);
	struct error err = { 0 };
	struct pair pair = { .key = make_key("RSA", "rsa_keygen_bits:2048") };

	assert_ok(certificate_make(pair.key, name, T0, DAYS, &out, &err), &err);
	pair.cert = (char *)buf_take(&out, NULL);
	return pair;
}

struct group {
	struct pair one, two;
	struct buf module; /* signed by one */
};

static int group_setup(void **state)
{
	struct group *g = calloc(1, sizeof(*g));
	struct error err = { 0 };

	g->one = make_pair("Test one");
	g->two = make_pair("Test two");
	g->module = BUF_INIT(1 << 20);
	assert_ok(signature_sign(module_text, sizeof(module_text), g->one.key, g->one.cert,
				 &g->module, &err),
		  &err);
	*state = g;
	return 0;
}

static int group_teardown(void **state)
{
	struct group *g = *state;

	free(g->one.key);
	free(g->one.cert);
	free(g->two.key);
	free(g->two.cert);
	buf_free(&g->module);
	free(g);
	return 0;
}

static int verify(const struct group *g, const void *data, size_t len, int64_t time)
{
	const char *certs[] = { g->two.cert, g->one.cert };

	return signature_verify(data, len, certs, 2, time, NULL, NULL);
}

static void signs_and_verifies(void **state)
{
	struct group *g = *state;
	const char *certs[] = { g->two.cert, g->one.cert };
	struct signature_signer signer;
	struct signature_parts parts;
	struct error err = { 0 };

	assert_ok(signature_verify(g->module.data, g->module.len, certs, 2, T0 + 1, &signer, &err),
		  &err);
	assert_string_equal(signer.subject, "/CN=Test one");
	assert_int_equal(signer.not_before, T0);
	assert_int_equal(signer.not_after, T0 + DAYS * 86400);
	assert_int_equal(strlen(signer.key_id), 40);
	assert_int_equal(strlen(signer.serial), 32);
	assert_ok(signature_split(g->module.data, g->module.len, &parts, &err), &err);
	assert_int_equal(parts.module_len, sizeof(module_text));
	assert_memory_equal(parts.module, module_text, sizeof(module_text));
}

/* struct module_signature and the marker, byte for byte. */
static void trailer_is_the_kernels(void **state)
{
	static const char marker[] = "~Module signature appended~\n";
	struct group *g = *state;
	const uint8_t *end = g->module.data + g->module.len;
	struct signature_parts parts;
	uint8_t expected[12] = { 0, 0, 2, 0, 0, 0, 0, 0, 0, 0 };

	assert_memory_equal(end - 28, marker, 28);
	assert_int_equal(signature_split(g->module.data, g->module.len, &parts, NULL), 0);
	expected[10] = (uint8_t)(parts.signature_len >> 8);
	expected[11] = (uint8_t)parts.signature_len;
	assert_memory_equal(end - 40, expected, 12);
	assert_ptr_equal(parts.signature + parts.signature_len, end - 40);
}

/* Another implementation agrees that this is a detached signature of the module. */
static void openssl_accepts_it(void **state)
{
	struct group *g = *state;
	char *dir = unit_make_dir(), *files[3];
	static const char *const names[] = { "sig", "content", "cert" };
	struct signature_parts parts;
	struct error err = { 0 };
	struct buf noise = BUF_INIT(1 << 16);

	assert_int_equal(signature_split(g->module.data, g->module.len, &parts, NULL), 0);
	for (int i = 0; i < 3; i++)
		files[i] = path_join(dir, names[i], NULL);
	assert_ok(file_write_atomic(files[0], parts.signature, parts.signature_len, 0600, &err),
		  &err);
	assert_ok(file_write_atomic(files[1], parts.module, parts.module_len, 0600, &err), &err);
	assert_ok(file_write_atomic(files[2], g->one.cert, strlen(g->one.cert), 0600, &err), &err);

	const char *argv[] = { "openssl", "cms",       "-verify",  "-inform",   "DER",
			       "-in",     files[0],    "-content", files[1],    "-certfile",
			       files[2],  "-noverify", "-binary",  "-nointern", NULL };
	struct process_options options = { .argv = argv, .timeout_ms = 60000, .errout = &noise };

	assert_ok(process_run(&options, NULL, &err), &err);
	buf_free(&noise);
	for (int i = 0; i < 3; i++)
		free(files[i]);
	unit_remove_dir(dir);
}

static void every_flipped_byte_is_refused(void **state)
{
	struct group *g = *state;

	for (size_t i = 0; i < g->module.len; i++) {
		g->module.data[i] ^= 0x10;
		if (verify(g, g->module.data, g->module.len, SIGNATURE_ANY_TIME) == 0)
			fail_msg("byte %zu of %zu flipped, and accepted", i, g->module.len);
		g->module.data[i] ^= 0x10;
	}
	assert_int_equal(verify(g, g->module.data, g->module.len, SIGNATURE_ANY_TIME), 0);
}

static void every_truncation_is_refused(void **state)
{
	struct group *g = *state;

	for (size_t n = 0; n < g->module.len; n++) {
		/* A copy of exact size, so that a read past the end is seen. */
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, g->module.data, n);
		if (verify(g, copy, n, SIGNATURE_ANY_TIME) == 0)
			fail_msg("cut at %zu of %zu, and accepted", n, g->module.len);
		free(copy);
	}
	/* From the front. */
	for (size_t n = 1; n < g->module.len; n++)
		assert_int_not_equal(
			verify(g, g->module.data + n, g->module.len - n, SIGNATURE_ANY_TIME), 0);
}

static void damaged_trailers_are_refused(void **state)
{
	struct group *g = *state;
	struct signature_parts parts;
	uint8_t *length = g->module.data + g->module.len - 28 - 4, saved[4];

	memcpy(saved, length, 4);
	memset(length, 0xff, 4);
	assert_int_equal(signature_split(g->module.data, g->module.len, &parts, NULL), ERR_INVALID);
	memset(length, 0, 4);
	assert_int_equal(signature_split(g->module.data, g->module.len, &parts, NULL), ERR_INVALID);
	memcpy(length, saved, 4);
	assert_int_equal(signature_split("~Module signature appended~\n", 28, &parts, NULL),
			 ERR_INVALID);
	/* A signature and no module. */
	assert_int_equal(signature_split(g->module.data, g->module.len, &parts, NULL), 0);
	assert_int_equal(
		signature_split(parts.signature, g->module.len - parts.module_len, &parts, NULL),
		ERR_INVALID);
	assert_int_equal(signature_split("abc", 3, &parts, NULL), 0);
	assert_null(parts.signature);
	assert_int_equal(parts.module_len, 3);
	/* Bytes after the marker: no signature at the end, so an unsigned module. */
	assert_int_equal(verify(g, module_text, sizeof(module_text), SIGNATURE_ANY_TIME),
			 ERR_SIGNATURE);
}

static void only_trusted_certificates_count(void **state)
{
	struct group *g = *state;
	const char *other = g->two.cert, *junk = "no certificate";

	assert_int_equal(signature_verify(g->module.data, g->module.len, &other, 1,
					  SIGNATURE_ANY_TIME, NULL, NULL),
			 ERR_UNTRUSTED);
	assert_int_equal(signature_verify(g->module.data, g->module.len, NULL, 0,
					  SIGNATURE_ANY_TIME, NULL, NULL),
			 ERR_UNTRUSTED);
	assert_int_equal(signature_verify(g->module.data, g->module.len, &junk, 1,
					  SIGNATURE_ANY_TIME, NULL, NULL),
			 ERR_INVALID);
}

static void several_certificates_in_one_text(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf both = BUF_INIT(65536);
	const char *text;

	assert_int_equal(buf_append_str(&both, g->two.cert), 0);
	assert_int_equal(buf_append_str(&both, g->one.cert), 0);
	text = buf_str(&both);
	assert_int_equal(signature_verify(g->module.data, g->module.len, &text, 1,
					  SIGNATURE_ANY_TIME, NULL, NULL),
			 0);
	/* One that is damaged is not passed over. */
	assert_int_equal(buf_append_str(&both, test_cert_damaged), 0);
	text = buf_str(&both);
	assert_int_equal(signature_verify(g->module.data, g->module.len, &text, 1,
					  SIGNATURE_ANY_TIME, NULL, NULL),
			 ERR_INVALID);
}

static void certificate_must_have_been_valid(void **state)
{
	struct group *g = *state;

	assert_int_equal(verify(g, g->module.data, g->module.len, T0 - 1), ERR_EXPIRED);
	assert_int_equal(verify(g, g->module.data, g->module.len, T0), 0);
	assert_int_equal(verify(g, g->module.data, g->module.len, T0 + DAYS * 86400), 0);
	assert_int_equal(verify(g, g->module.data, g->module.len, T0 + DAYS * 86400 + 1),
			 ERR_EXPIRED);
}

static void refuses_to_sign(void **state)
{
	struct group *g = *state;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20), small = BUF_INIT(100);
	_cleanup_free_ char *ec = make_key("EC", "ec_paramgen_curve:P-256");
	_cleanup_free_ char *weak = make_key("RSA", "rsa_keygen_bits:1024");
	const char *m = module_text;

	assert_int_equal(
		signature_sign(g->module.data, g->module.len, g->one.key, g->one.cert, &out, NULL),
		ERR_EXISTS);
	assert_int_equal(signature_sign(m, 20, g->one.key, g->two.cert, &out, NULL), ERR_INVALID);
	assert_int_equal(signature_sign(m, 20, ec, g->one.cert, &out, NULL), ERR_INVALID);
	assert_int_equal(signature_sign(m, 20, weak, g->one.cert, &out, NULL), ERR_UNSUPPORTED);
	assert_int_equal(signature_sign(m, 20, "junk", g->one.cert, &out, NULL), ERR_INVALID);
	assert_int_equal(signature_sign(m, 20, g->one.key, "junk", &out, NULL), ERR_INVALID);
	assert_int_equal(signature_sign(m, 20, g->one.key, g->one.cert, &small, NULL),
			 ERR_TOO_LARGE);
	assert_int_equal(out.len + small.len, 0);
	assert_int_equal(certificate_make(g->one.key, "", T0, 1, &out, NULL), ERR_INVALID);
	assert_int_equal(certificate_make(g->one.key, "x", T0, 0, &out, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_and_verifies),
		cmocka_unit_test(trailer_is_the_kernels),
		cmocka_unit_test(openssl_accepts_it),
		cmocka_unit_test(every_flipped_byte_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(damaged_trailers_are_refused),
		cmocka_unit_test(only_trusted_certificates_count),
		cmocka_unit_test(several_certificates_in_one_text),
		cmocka_unit_test(certificate_must_have_been_valid),
		cmocka_unit_test(refuses_to_sign),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
