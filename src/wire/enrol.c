/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/enrol.h"

#include "wire/field.h"

#define SECRET_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

bool token_secret_is_valid(const char *text)
{
	size_t len = strnlen(text, TOKEN_SECRET_MAX + 1);

	return len >= TOKEN_SECRET_MIN && len <= TOKEN_SECRET_MAX &&
	       strspn(text, SECRET_BYTES) == len;
}

/* `len` bytes that are "https://…" of printable ASCII. */
static bool url_is_plausible(const char *url, size_t len)
{
	if (len <= strlen("https://") || len > TOKEN_URL_MAX || !str_has_prefix(url, "https://"))
		return false;
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return false;
	return true;
}

static int copy_secret(const char *text, struct token *token, struct error *err)
{
	if (!token_secret_is_valid(text))
		return error_set(err, ERR_INVALID,
				 "token: the secret is not %d to %d of A-Z a-z 0-9 _ -",
				 TOKEN_SECRET_MIN, TOKEN_SECRET_MAX);
	memcpy(token->secret, text, strlen(text) + 1);
	return 0;
}

int token_parse(const char *text, struct token *ret, struct error *err)
{
	_cleanup_token_ struct token token = { 0 };
	const char *first = strchr(text, '#');
	const char *second = first ? strchr(first + 1, '#') : NULL;
	int r;

	if (first && (!second || second - first - 1 != SHA256_HEX_LEN))
		return error_set(err, ERR_INVALID,
				 "token: is neither <secret> nor <url>#<hash>#<secret>");
	if (first) {
		if (!url_is_plausible(text, (size_t)(first - text)))
			return error_set(err, ERR_INVALID, "token: its URL is not https://…");
		memcpy(token.url, text, (size_t)(first - text));
		memcpy(token.bundle_sha256, first + 1, SHA256_HEX_LEN);
		if (!hex_is_lower(token.bundle_sha256, SHA256_HEX_LEN))
			return error_set(err, ERR_INVALID,
					 "token: its hash is not 64 lower-case hex digits");
	}
	r = copy_secret(first ? second + 1 : text, &token, err);
	if (r == 0)
		*ret = token;
	return r;
}

int token_format(const struct token *token, struct buf *out)
{
	if (!token->url[0])
		return buf_append_str(out, token->secret);
	return buf_printf(out, "%s#%s#%s", token->url, token->bundle_sha256, token->secret);
}

void token_wipe(struct token *token)
{
	explicit_bzero(token, sizeof(*token));
}

void enrol_request_wipe(struct enrol_request *request)
{
	explicit_bzero(request, sizeof(*request));
}

/* PEM of one kind or more, as a string that fits `size` bytes; its content is not looked at. */
static int get_pem(const json_t *object, const char *key, const char *label, size_t size, char *ret,
		   struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, size - 1, &text, err);

	if (r < 0)
		return r;
	if (!str_has_prefix(text, "-----BEGIN ") || !str_has_prefix(text + 11, label))
		return error_set(err, ERR_INVALID, "%s: is not PEM of a %s", key, label);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int get_token(const json_t *object, char ret[static TOKEN_SECRET_MAX + 1], struct error *err)
{
	const char *text;
	int r = json_get_str(object, "token", TOKEN_SECRET_MAX, &text, err);

	if (r < 0)
		return r;
	if (!token_secret_is_valid(text))
		return error_set(err, ERR_INVALID, "token: does not have its form");
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

/* Overwrites the parsed token, which is the only secret of the object. */
static void wipe_object(json_t **object)
{
	json_t *token = json_object_get(*object, "token");

	if (json_is_string(token))
		explicit_bzero((char *)json_string_value(token), json_string_length(token));
	json_decref(*object);
}

int enrol_request_parse(const void *data, size_t len, struct enrol_request *ret, struct error *err)
{
	_cleanup_enrol_request_ struct enrol_request request = { 0 };
	_cleanup_(wipe_object) json_t *object = NULL;
	int r = field_parse_object(data, len, ENROL_REQUEST_MAX, &object, err);

	if (r == 0)
		r = get_token(object, request.token, err);
	if (r == 0)
		r = get_pem(object, "csr", "CERTIFICATE REQUEST", sizeof(request.csr), request.csr,
			    err);
	if (r == 0)
		r = field_text(object, "hostname", 0, sizeof(request.hostname), request.hostname,
			       err);
	if (r == 0)
		r = machine_facts_parse(object, &request.facts, err);
	if (r < 0)
		return error_prefix(err, r, "enrolment");
	*ret = request;
	return 0;
}

int enrol_request_object(const struct enrol_request *request, json_t **ret, struct error *err)
{
	_cleanup_(wipe_object) json_t *object = json_object();
	struct machine_facts facts;
	int bad = object ? 0 : -1, r;

	if (!token_secret_is_valid(request->token))
		return error_set(err, ERR_INVALID, "enrolment: token: does not have its form");
	bad |= json_set_str(object, "token", request->token);
	if (request->csr[0])
		bad |= json_set_str(object, "csr", request->csr);
	bad |= field_set_message(object, "hostname", request->hostname);
	bad |= machine_facts_add(object, &request->facts);
	if (bad)
		return error_set(err, ERR_NO_MEMORY,
				 "enrolment: out of memory, or a field is not UTF-8");
	r = machine_facts_parse(object, &facts, err);
	if (r < 0)
		return error_prefix(err, r, "enrolment");
	*ret = TAKE_PTR(object);
	return 0;
}

int enrol_answer_parse(const void *data, size_t len, struct enrol_answer *ret, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	char machine_id[UUID_LEN + 1];
	int64_t interval = 0;
	int r = field_parse_object(data, len, ENROL_ANSWER_MAX, &object, err);

	if (r == 0)
		r = field_name(object, "machine_id", uuid_is_valid, sizeof(machine_id), machine_id,
			       err);
	if (r == 0)
		r = json_get_int(object, "interval", 1, CHECK_IN_INTERVAL_MAX, &interval, err);
	if (r == 0)
		r = get_pem(object, "certificate", "CERTIFICATE-----", sizeof(ret->certificate),
			    ret->certificate, err);
	if (r < 0)
		return error_prefix(err, r, "answer to the enrolment");
	memcpy(ret->machine_id, machine_id, sizeof(machine_id));
	ret->interval = interval;
	return 0;
}

int enrol_answer_write(const struct enrol_answer *answer, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1, r;

	if (!uuid_is_valid(answer->machine_id) || answer->interval < 1 ||
	    answer->interval > CHECK_IN_INTERVAL_MAX || !answer->certificate[0])
		return error_set(err, ERR_INVALID, "answer to the enrolment: a field is wrong");
	bad |= json_set_str(object, "machine_id", answer->machine_id);
	bad |= json_set_str(object, "certificate", answer->certificate);
	bad |= json_object_set_new(object, "interval", json_integer(answer->interval));
	r = bad ? ERR_NO_MEMORY : json_append(object, out);
	return r < 0 ? error_set(err, r, "answer to the enrolment: does not fit") : 0;
}
