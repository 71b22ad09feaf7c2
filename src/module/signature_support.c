/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/signature_support.h"

#include <stdio.h>

static const char *const hash_names[] = { "sha256", "sha384", "sha512" };

const char *signature_algorithm_name(enum signature_algorithm algorithm)
{
	static const char *const names[] = { "RSA", "ECDSA P-256", "ECDSA P-384" };

	return names[algorithm];
}

const char *signature_hash_name(enum signature_hash hash)
{
	return hash_names[hash];
}

int signature_hash_parse(const char *name, enum signature_hash *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(hash_names); i++)
		if (streq(name, hash_names[i])) {
			*ret = (enum signature_hash)i;
			return 0;
		}
	return error_set(err, ERR_USAGE, "hash %s: sha256, sha384 or sha512", name);
}

/* ---- The configuration ---- */

/* Does the line hold `option`, and with which value? */
static bool line_has(const char *line, size_t len, const char *option, char *ret_value)
{
	size_t n = strlen(option);

	if (len != n + 2 || memcmp(line, option, n) != 0 || line[n] != '=')
		return false;
	*ret_value = line[n + 1];
	return true;
}

static void read_line(const char *line, size_t len, struct signature_support *support)
{
	const struct {
		const char *name;
		enum signature_option *option;
	} options[] = {
		{ "CONFIG_CRYPTO_RSA", &support->rsa },
		{ "CONFIG_CRYPTO_ECDSA", &support->ecdsa },
		{ "CONFIG_CRYPTO_SHA256", &support->sha256 },
		{ "CONFIG_CRYPTO_SHA512", &support->sha512 },
	};
	char value;

	if (line_has(line, len, "CONFIG_MODULE_SIG", &value))
		support->module_sig = value == 'y';
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (line_has(line, len, options[i].name, &value))
			*options[i].option = value == 'y'   ? SIGNATURE_BUILT_IN
					     : value == 'm' ? SIGNATURE_AS_MODULE
							    : SIGNATURE_ABSENT;
}

int signature_support_parse(const void *text, size_t len, struct signature_support *ret,
			    struct error *err)
{
	struct signature_support support = { 0 };
	const char *at = text, *end = at + len;
	bool any = false;

	if (len > SIGNATURE_CONFIG_MAX)
		return error_set(err, ERR_TOO_LARGE, "kernel configuration: %zu bytes", len);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		if (stop - at > 7 && memcmp(at, "CONFIG_", 7) == 0)
			any = true;
		read_line(at, (size_t)(stop - at), &support);
		at = newline ? newline + 1 : end;
	}
	if (!any)
		return error_set(err, ERR_INVALID, "kernel configuration: no option is set in it");
	*ret = support;
	return 0;
}

/* ---- What it means for a signature ---- */

static int need(enum signature_option option, const char *name, const char *what, struct error *err)
{
	if (option == SIGNATURE_BUILT_IN)
		return 0;
	error_set(err, ERR_UNSUPPORTED,
		  "that kernel cannot check a module signature with %s: %s %s", what, name,
		  option == SIGNATURE_AS_MODULE ? "is a module, not built in" : "is not set");
	error_hint(err, "sign with an RSA key and SHA-256, which every such kernel has");
	return ERR_UNSUPPORTED;
}

static int check_unknown(enum signature_algorithm algorithm, enum signature_hash hash,
			 struct error *err)
{
	static const char *const titles[] = { "SHA-256", "SHA-384", "SHA-512" };

	if (algorithm == SIGNATURE_RSA && hash == SIGNATURE_SHA256)
		return 0;
	error_set(err, ERR_UNSUPPORTED,
		  "module signature: not every kernel can check %s with %s, and the configuration "
		  "of this one is not known",
		  signature_algorithm_name(algorithm), titles[hash]);
	error_hint(err, "name its configuration, or sign with an RSA key and SHA-256");
	return ERR_UNSUPPORTED;
}

int signature_support_check(const struct signature_support *support,
			    enum signature_algorithm algorithm, enum signature_hash hash,
			    struct error *err)
{
	int r;

	if (!support)
		return check_unknown(algorithm, hash, err);
	/* Such a kernel looks at none, and passes over what is behind the module; only the
	 * machine's programs check it. */
	if (!support->module_sig)
		return 0;
	r = algorithm == SIGNATURE_RSA ? need(support->rsa, "CONFIG_CRYPTO_RSA", "RSA", err)
				       : need(support->ecdsa, "CONFIG_CRYPTO_ECDSA", "ECDSA", err);
	if (r < 0)
		return r;
	if (hash == SIGNATURE_SHA256)
		return need(support->sha256, "CONFIG_CRYPTO_SHA256", "SHA-256", err);
	return need(support->sha512, "CONFIG_CRYPTO_SHA512",
		    hash == SIGNATURE_SHA384 ? "SHA-384" : "SHA-512", err);
}
