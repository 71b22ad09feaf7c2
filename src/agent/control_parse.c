/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of the control socket, from bytes to jobs. */
#include <openssl/evp.h>

#include "agent/control.h"
#include "wire/enrol.h"

#define MEDIUM_MAX 1024 /* bytes of the path of a medium */

static int decode_bundle(const char *text, struct job *job, struct error *err)
{
	size_t len = strlen(text), padding = 0;
	int n;

	if (len == 0 || len % 4 != 0)
		return error_set(err, ERR_INVALID, "bundle: not base64");
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	job->bundle = malloc(len / 4 * 3 + 1);
	if (!job->bundle)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	n = EVP_DecodeBlock(job->bundle, (const unsigned char *)text, (int)len);
	if (n < 0 || (size_t)n < padding)
		return error_set(err, ERR_INVALID, "bundle: not base64");
	job->bundle_len = (size_t)n - padding;
	return 0;
}

static int copy_text(const char *text, char **ret, struct error *err)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static int parse_enable(const json_t *o, struct job *job, struct error *err)
{
	const char *bundle, *token, *tier, *hostname;
	int r;

	if ((r = json_get_str(o, "token", TOKEN_TEXT_MAX, &token, err)) < 0 ||
	    (r = json_get_str_opt(o, "bundle", BUNDLE_MAX / 3 * 4 + 8, &bundle, err)) < 0 ||
	    (r = json_get_str_opt(o, "tier", TIER_MAX, &tier, err)) < 0 ||
	    (r = json_get_str_opt(o, "hostname", ENROL_HOSTNAME_MAX, &hostname, err)) < 0)
		return r;
	if (tier && !tier_is_valid(tier))
		return error_set(err, ERR_INVALID, "tier: not a name of a tier");
	if ((r = copy_text(token, &job->token, err)) < 0 ||
	    (r = copy_text(tier, &job->tier, err)) < 0 ||
	    (r = copy_text(hostname, &job->hostname, err)) < 0)
		return r;
	return bundle ? decode_bundle(bundle, job, err) : 0;
}

static int parse_rollback(const json_t *o, struct job *job, struct error *err)
{
	const char *version;
	int r = json_get_str_opt(o, "version", PATCH_VERSION_MAX, &version, err);

	if (r < 0 || !version)
		return r;
	job->has_version = true;
	if (patch_version_parse(version, &job->version) < 0)
		return error_set(err, ERR_INVALID, "version: not of the form MAJOR.MINOR");
	return 0;
}

static int parse_retry(const json_t *o, struct job *job, struct error *err)
{
	int r = parse_rollback(o, job, err);

	if (r == 0 && !job->has_version)
		return error_set(err, ERR_INVALID, "version: missing");
	return r;
}

static int parse_refresh(const json_t *o, struct job *job, struct error *err)
{
	const char *medium;
	int r = json_get_str_opt(o, "from", MEDIUM_MAX, &medium, err);

	if (r < 0)
		return r;
	if (medium && medium[0] != '/')
		return error_set(err, ERR_INVALID, "from: not an absolute path");
	return copy_text(medium, &job->medium, err);
}

static int parse_disable(const json_t *o, struct job *job, struct error *err)
{
	return json_get_bool_opt(o, "unpatch", false, &job->unpatch, err);
}

static const struct {
	const char *path;
	enum job_kind kind;
	int (*parse)(const json_t *o, struct job *job, struct error *err);
} routes[] = {
	{ "/v1/enable", JOB_ENABLE, parse_enable },
	{ "/v1/disable", JOB_DISABLE, parse_disable },
	{ "/v1/refresh", JOB_REFRESH, parse_refresh },
	{ "/v1/rollback", JOB_ROLLBACK, parse_rollback },
	{ "/v1/retry", JOB_RETRY, parse_retry },
	{ "/v1/hold", JOB_HOLD, NULL },
	{ "/v1/unhold", JOB_UNHOLD, NULL },
};

int control_parse(const char *path, const void *body, size_t len, struct job **ret,
		  struct error *err)
{
	_cleanup_(job_freep) struct job *job = NULL;
	_cleanup_json_ json_t *o = NULL;
	size_t i = 0;
	int r = 0;

	while (i < ARRAY_SIZE(routes) && !streq(routes[i].path, path))
		i++;
	if (i == ARRAY_SIZE(routes))
		return error_set(err, ERR_NOT_FOUND, "%s: nothing is here", path);
	job = job_new(routes[i].kind);
	if (!job)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = json_parse(body, len, &o, err);
	if (r < 0)
		return r;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "the body must be a JSON object");
	if (routes[i].parse)
		r = routes[i].parse(o, job, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(job);
	return 0;
}
