/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo module sign, module verify. */
#include "base/clock.h"
#include "base/file.h"
#include "module/certificate.h"
#include "module/modinfo.h"
#include "module/signature.h"
#include "package/kernel_cache.h"
#include "repo/commands.h"

#define CERTS_MAX 16

/* What is read for one command; secrets are wiped. */
struct texts {
	char *key, *cert, *chain, *certs[CERTS_MAX];
};

static void texts_clear(struct texts *t)
{
	if (t->key)
		explicit_bzero(t->key, strlen(t->key));
	free(t->key);
	free(t->cert);
	free(t->chain);
	for (size_t i = 0; i < ARRAY_SIZE(t->certs); i++)
		free(t->certs[i]);
}
#define _cleanup_texts_ _cleanup_(texts_clear)

/* ---- module sign ---- */

static int read_config(const char *path, struct signature_support *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(SIGNATURE_CONFIG_MAX);
	int r = file_read(path, &text, err);

	if (r < 0)
		return r;
	r = signature_support_parse(text.data, text.len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* The configuration of the kernel that the module is for, if that kernel is in the cache. */
static bool find_config(const struct buf *module, struct signature_support *ret)
{
	_cleanup_modinfo_ struct modinfo *info = NULL;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	char release[RELEASE_MAX + 1];
	size_t n;

	if (modinfo_parse(module->data, module->len, "module", &info, NULL) < 0 || !info->vermagic)
		return false;
	n = strcspn(info->vermagic, " ");
	if (n > RELEASE_MAX)
		return false;
	memcpy(release, info->vermagic, n);
	release[n] = 0;
	return kernel_open(release, &kernel, NULL) == 0 &&
	       read_config(kernel->config, ret, NULL) == 0;
}

/* Machines refuse what is published after the end of a certificate on the way to the trusted one;
 * the kernel does not look. */
static void warn_of_dates(const struct texts *texts)
{
	_cleanup_certificates_ STACK_OF(X509) *certs = sk_X509_new_null();
	struct error err = { 0 };

	if (!certs || certificate_read_all(texts->cert, "certificate", certs, NULL) < 0 ||
	    (texts->chain && certificate_read_all(texts->chain, "chain", certs, NULL) < 0))
		return;
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (certificate_check_time(sk_X509_value(certs, i), clock_now(), &err) < 0)
			fprintf(stderr, "warning: %s: machines will refuse the module\n",
				err.message);
}

static int read_options(const struct cli *cli, struct texts *texts, struct signature_options *ret,
			struct error *err)
{
	const char *hash = cli_get(cli, "hash"), *chain = cli_get(cli, "chain");
	int r = hash ? signature_hash_parse(hash, &ret->hash, err) : 0;

	if (r == 0)
		r = command_read_text(cli_get(cli, "key"), &texts->key, err);
	if (r == 0)
		r = command_read_text(cli_get(cli, "cert"), &texts->cert, err);
	if (r == 0 && chain)
		r = command_read_text(chain, &texts->chain, err);
	ret->key = texts->key;
	ret->cert = texts->cert;
	ret->chain = texts->chain;
	return r;
}

static bool is_module(const void *data, size_t len)
{
	_cleanup_modinfo_ struct modinfo *info = NULL;

	return modinfo_parse(data, len, "module", &info, NULL) == 0;
}

int cmd_module_sign(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX);
	_cleanup_buf_ struct buf out = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX + 1024);
	_cleanup_modinfo_ struct modinfo *info = NULL;
	_cleanup_texts_ struct texts texts = { 0 };
	struct signature_options options = { 0 };
	struct signature_support support;
	const char *file = cli_arg(cli, 0), *to = cli_get(cli, "output");
	const char *config = cli_get(cli, "kernel-config");
	int r = file_read(file, &module, err);

	if (r == 0)
		r = modinfo_parse(module.data, module.len, file, &info, err);
	if (r == 0)
		r = read_options(cli, &texts, &options, err);
	if (r == 0 && config)
		r = read_config(config, &support, err);
	if (r < 0)
		return r;
	if (config || find_config(&module, &support))
		options.support = &support;
	r = signature_sign_with(module.data, module.len, &options, &out, err);
	if (r == ERR_UNSUPPORTED && !options.support)
		error_hint(err,
			   "name the kernel's configuration: --kernel-config FILE; or sign with "
			   "an RSA key and SHA-256");
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	warn_of_dates(&texts);
	return command_write_output(to ? to : file, &out, is_module, err);
}

/* ---- module verify ---- */

static void print_signer(const char *file, const struct signature_signer *signer)
{
	printf("%s: signed by %s, key %s, %s", file, signer->subject, signer->key_id,
	       signature_hash_name(signer->hash));
	if (!streq(signer->anchor, signer->subject))
		printf(", for which %s vouches", signer->anchor);
	printf("\n");
}

int cmd_module_verify(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX);
	_cleanup_texts_ struct texts texts = { 0 };
	const char *file = cli_arg(cli, 0);
	size_t n = cli_count(cli, "ca");
	struct signature_signer signer;
	int r;

	if (n > CERTS_MAX)
		return error_set(err, ERR_USAGE, "--ca: at most %d", CERTS_MAX);
	r = file_read(file, &module, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = command_read_text(cli_get_nth(cli, "ca", i), &texts.certs[i], err);
	if (r < 0)
		return r;
	r = signature_verify(module.data, module.len, (const char *const *)texts.certs, n,
			     clock_now(), &signer, err);
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	print_signer(file, &signer);
	return EXIT_OK;
}
