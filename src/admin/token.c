/* SPDX-License-Identifier: GPL-2.0-or-later */
/* token create, list, revoke */
#include "admin/client.h"
#include "admin/show.h"
#include "admin/verbs.h"
#include "base/file.h"
#include "wire/bundle.h"
#include "wire/enrol.h"

static const struct show_field columns[] = {
	{ "id", "ID" },           { "state", "STATE" },     { "used", "USED" }, { "uses", "OF" },
	{ "created", "CREATED" }, { "expires", "EXPIRES" }, { "note", "NOTE" }, { 0 },
};

int admin_parse_span(const char *text, int64_t *ret, struct error *err)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 0, 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t digits = strspn(text, "0123456789");
	int64_t most = INT64_C(366) * 86400, n;

	if (digits >= 1 && digits <= 8 && (!text[digits] || !text[digits + 1])) {
		n = strtoll(text, NULL, 10);
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			if (units[i].unit != text[digits] || n < 1 || n > most / units[i].seconds)
				continue;
			*ret = n * units[i].seconds;
			return 0;
		}
	}
	return error_set(err, ERR_USAGE,
			 "\"%s\": not a span such as 90s, 15m, 12h or 7d, up to 366 days", text);
}

int admin_read_bundle(const char *path, struct token *token, struct error *err)
{
	_cleanup_bundle_ struct bundle *bundle = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(BUNDLE_MAX);
	int r = file_read(path, &text, err);

	if (r < 0)
		return r;
	r = bundle_parse(text.data, text.len, &bundle, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	if (strlen(bundle->url) > TOKEN_URL_MAX)
		return error_set(err, ERR_INVALID, "%s: its URL is too long", path);
	memcpy(token->url, bundle->url, strlen(bundle->url) + 1);
	return hash_sha256_hex(text.data, text.len, token->bundle_sha256);
}

static int make_request(const struct cli *cli, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	int64_t uses, lifetime = 0;
	int bad = body ? 0 : -1, r;

	r = cli_get_int(cli, "uses", 1, 1000000, 1, &uses, err);
	if (r == 0 && cli_has(cli, "lifetime"))
		r = admin_parse_span(cli_get(cli, "lifetime"), &lifetime, err);
	if (r < 0)
		return r;
	bad |= json_object_set_new(body, "uses", json_integer(uses));
	if (lifetime > 0)
		bad |= json_object_set_new(body, "lifetime", json_integer(lifetime));
	if (cli_has(cli, "note"))
		bad |= json_set_str(body, "note", cli_get(cli, "note"));
	if (bad)
		return error_set(err, ERR_INVALID, "--note: is not UTF-8");
	*ret = TAKE_PTR(body);
	return 0;
}

static void wipe_buf(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_free(b);
}

/* Puts the token where it was asked for: a file of mode 0600, or standard output. */
static int hand_over(const struct cli *cli, const struct token *token, json_t *answer,
		     struct error *err)
{
	_cleanup_(wipe_buf) struct buf text = BUF_INIT(TOKEN_TEXT_MAX + 1);
	const char *file = cli_get(cli, "output");
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r < 0)
		return r;
	r = token_format(token, &text);
	if (r < 0)
		return error_set(err, r, "token: too long");
	if (file) {
		json_object_del(answer, "secret");
	} else if (format == CLI_TEXT) {
		return show_line(buf_str(&text), err);
	} else if (json_set_str(answer, "token", buf_str(&text)) < 0) {
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (file) {
		r = buf_append_byte(&text, '\n');
		r = r < 0 ? error_set(err, r, "token: too long")
			  : file_write_atomic(file, text.data, text.len, 0600, err);
	}
	return r == 0 && format == CLI_JSON ? show_json(answer, err) : r;
}

int verb_token_create(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_token_ struct token token = { 0 };
	_cleanup_json_ json_t *body = NULL, *answer = NULL;
	enum cli_format format;
	const char *secret;
	int r = make_request(cli, &body, err);

	/* Everything that can be wrong here is found before the server makes a token. */
	if (r == 0)
		r = cli_get_format(cli, false, &format, err);
	if (r == 0 && cli_has(cli, "bundle"))
		r = admin_read_bundle(cli_get(cli, "bundle"), &token, err);
	if (r == 0)
		r = session_load(NULL, &session, err);
	if (r == 0)
		r = client_request(&session, "POST", "/v1/admin/tokens", body, &answer, err);
	if (r == 0)
		r = json_get_str(answer, "secret", TOKEN_SECRET_MAX, &secret, err);
	if (r < 0)
		return r;
	if (!token_secret_is_valid(secret))
		return error_set(err, ERR_PROTOCOL, "the server's token does not have its form");
	memcpy(token.secret, secret, strlen(secret) + 1);
	return hand_over(cli, &token, answer, err);
}

int verb_token_list(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_json_ json_t *tokens = NULL, *object = NULL;
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = session_load(NULL, &session, err);
	if (r == 0)
		r = client_list(&session, "/v1/admin/tokens", "tokens", &tokens, err);
	if (r < 0)
		return r;
	if (format == CLI_TEXT)
		return show_table(tokens, columns, err);
	object = json_pack("{s:O}", "tokens", tokens);
	return object ? show_json(object, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
}

int verb_token_revoke(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_buf_ struct buf path = BUF_INIT(256);
	const char *id = cli_arg(cli, 0);
	int r = session_load(NULL, &session, err);

	if (r < 0)
		return r;
	if (strspn(id, "0123456789abcdef") != strlen(id) ||
	    buf_printf(&path, "/v1/admin/tokens/%s", id) < 0)
		return error_set(err, ERR_USAGE, "\"%s\": not the ID of a token", id);
	return client_request(&session, "DELETE", buf_str(&path), NULL, NULL, err);
}
