/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/bundle.h"

#include <openssl/evp.h>
#include <strings.h>

#include "base/json.h"
#include "base/pem.h"
#include "wire/field.h"
#include "wire/names.h"

#define CERT_MAX ((size_t)16 * 1024) /* one PEM certificate */

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	free(b->url);
	free(b->server_ca);
	free(b->root);
	field_list_free(b->module_certificates, b->n_module_certificates);
	field_list_free(b->tiers, b->n_tiers);
	free(b->default_tier);
	free(b);
}

/* Letters, digits, '.' and '-', or an IPv6 address in brackets; *ret_rest is what follows. */
static bool host_is_valid(const char *host, const char **ret_rest)
{
	bool bracket = *host == '[';
	size_t n = strspn(bracket ? host + 1 : host,
			  bracket ? "0123456789abcdefABCDEF:."
				  : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-");

	if (n == 0 || n > 253 || (bracket && host[1 + n] != ']'))
		return false;
	*ret_rest = bracket ? host + n + 2 : host + n;
	return true;
}

bool bundle_url_is_valid(const char *url)
{
	const char *rest;
	size_t digits;

	if (strlen(url) > BUNDLE_URL_MAX || !str_has_prefix(url, "https://") ||
	    !host_is_valid(url + strlen("https://"), &rest))
		return false;
	if (*rest == '\0')
		return true;
	digits = strspn(rest + 1, "0123456789");
	return *rest == ':' && digits >= 1 && digits <= 5 && rest[1 + digits] == '\0' &&
	       strtoul(rest + 1, NULL, 10) >= 1 && strtoul(rest + 1, NULL, 10) <= 65535;
}

/* How many certificates a PEM text holds; 0 when one of them is damaged. */
static int count_certs(const char *pem)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	int n = list ? pem_read_certificates(pem, list) : 0;

	sk_X509_pop_free(list, X509_free);
	return MAX(n, 0);
}

static int read_root(const json_t *object, struct bundle *b, struct error *err)
{
	const char *text;
	size_t len, padding = 0;
	_cleanup_free_ char *again = NULL;
	int r = json_get_str(object, "root", BUNDLE_MAX, &text, err), n;

	if (r < 0)
		return r;
	len = strlen(text);
	again = malloc(len + 1);
	b->root = malloc(len + 1);
	if (!again || !b->root)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	n = EVP_DecodeBlock(b->root, (const unsigned char *)text, (int)len);
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	/* Encoding it again tells strict base64 from what OpenSSL forgives. */
	if (n <= 0 || (size_t)n <= padding ||
	    EVP_EncodeBlock((unsigned char *)again, b->root, n - (int)padding) != (int)len ||
	    !streq(again, text))
		return error_set(err, ERR_INVALID, "root: not base64");
	b->root_len = (size_t)n - padding;
	return 0;
}

/* PEM has line breaks, which other texts may not have. */
static int read_certs(const json_t *object, struct bundle *b, struct error *err)
{
	json_t *array;
	int r = json_get_array(object, "module_certificates", BUNDLE_MAX_CERTS, &array, err);

	if (r < 0)
		return r;
	if (json_array_size(array) == 0)
		return error_set(err, ERR_INVALID, "module_certificates: empty");
	b->module_certificates = calloc(json_array_size(array), sizeof(char *));
	if (!b->module_certificates)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *pem = json_string_value(json_array_get(array, i));

		if (!pem || strlen(pem) > CERT_MAX || count_certs(pem) != 1)
			return error_set(
				err, ERR_INVALID,
				"module_certificates: entry %zu is not one PEM certificate", i);
		b->module_certificates[i] = strdup(pem);
		if (!b->module_certificates[i])
			return error_set(err, ERR_NO_MEMORY, "no memory");
		b->n_module_certificates++;
	}
	return 0;
}

static int copy_string(const json_t *object, const char *key, size_t max, char **ret,
		       struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, max, &text, err);

	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static int check_tiers(const struct bundle *b, struct error *err)
{
	bool listed = false;

	for (size_t i = 0; i < b->n_tiers; i++) {
		listed |= streq(b->tiers[i], b->default_tier);
		for (size_t j = 0; j < i; j++) {
			if (streq(b->tiers[i], b->tiers[j]))
				return error_set(err, ERR_INVALID, "tiers: %s is listed twice",
						 b->tiers[i]);
		}
	}
	return listed ? 0
		      : error_set(err, ERR_INVALID, "default_tier: %s is not one of the tiers",
				  b->default_tier);
}

static int read_fields(const json_t *object, struct bundle *b, struct error *err)
{
	int r = field_format(object, err);

	if (r == 0)
		r = copy_string(object, "url", BUNDLE_URL_MAX, &b->url, err);
	if (r == 0 && !bundle_url_is_valid(b->url))
		r = error_set(err, ERR_INVALID, "url: %s is not https://host[:port]", b->url);
	if (r == 0)
		r = copy_string(object, "server_ca", BUNDLE_SERVER_CA_MAX, &b->server_ca, err);
	if (r == 0 && count_certs(b->server_ca) == 0)
		r = error_set(err, ERR_INVALID, "server_ca: not PEM certificates");
	if (r == 0)
		r = read_root(object, b, err);
	if (r == 0)
		r = read_certs(object, b, err);
	if (r == 0)
		r = field_list(object, "tiers", 1, BUNDLE_MAX_TIERS, TIER_MAX, tier_is_valid,
			       &b->tiers, &b->n_tiers, err);
	if (r == 0)
		r = copy_string(object, "default_tier", TIER_MAX, &b->default_tier, err);
	return r < 0 ? r : check_tiers(b, err);
}

int bundle_parse(const void *data, size_t len, struct bundle **ret, struct error *err)
{
	_cleanup_bundle_ struct bundle *b = calloc(1, sizeof(*b));
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (!b)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = field_parse_object(data, len, BUNDLE_MAX, &object, err);
	if (r == 0)
		r = read_fields(object, b, err);
	if (r < 0)
		return error_prefix(err, r, "trust bundle");
	*ret = TAKE_PTR(b);
	return 0;
}

int bundle_write(const struct bundle *b, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(BUNDLE_MAX);
	_cleanup_free_ char *root = NULL;
	struct bundle *check = NULL;
	int r;

	if (b->root_len > BUNDLE_MAX)
		return error_set(err, ERR_TOO_LARGE, "trust bundle: root.json is too large");
	root = malloc(b->root_len / 3 * 4 + 8);
	if (!root)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	EVP_EncodeBlock((unsigned char *)root, b->root, (int)b->root_len);
	object = json_pack("{s:i, s:s, s:s, s:s}", "format", 1, "url", b->url, "server_ca",
			   b->server_ca, "root", root);
	if (!object ||
	    field_set_list(object, "module_certificates", b->module_certificates,
			   b->n_module_certificates) != 0 ||
	    field_set_list(object, "tiers", b->tiers, b->n_tiers) != 0 ||
	    json_set_str(object, "default_tier", b->default_tier) != 0)
		return error_set(err, ERR_INVALID, "trust bundle: a field is missing");
	r = json_append_pretty(object, &text);
	if (r < 0)
		return error_set(err, r, "trust bundle: more than %zu bytes", BUNDLE_MAX);
	r = bundle_parse(text.data, text.len, &check, err);
	bundle_free(check);
	if (r < 0)
		return r;
	r = buf_append(out, text.data, text.len);
	return r < 0 ? error_set(err, r, "trust bundle: no room") : 0;
}

int bundle_check_hash(const void *data, size_t len, const char *sha256, struct error *err)
{
	char hex[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(data, len, hex) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (strcasecmp(hex, sha256) != 0)
		return error_set(err, ERR_HASH,
				 "trust bundle: its hash is %.16s…, expected was %.16s…", hex,
				 sha256);
	return 0;
}
