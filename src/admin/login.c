/* SPDX-License-Identifier: GPL-2.0-or-later */
/* login, logout */
#include "admin/client.h"
#include "admin/verbs.h"
#include "base/file.h"

static void wipe_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static void wipe_body(json_t **body)
{
	json_t *password = json_object_get(*body, "password");

	if (json_is_string(password))
		explicit_bzero((char *)json_string_value(password), json_string_length(password));
	json_decref(*body);
}

static int read_ca(const char *path, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(SESSION_CA_MAX);
	int r = file_read(path, &text, err);

	if (r < 0)
		return r;
	if (!strstr(buf_str(&text), "-----BEGIN CERTIFICATE-----"))
		return error_set(err, ERR_INVALID, "%s: no PEM certificate", path);
	*ret = (char *)buf_take(&text, NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Exchanges the password for a session. */
static int log_in(struct session *session, const char *password, struct error *err)
{
	_cleanup_(wipe_body) json_t *body = json_object();
	_cleanup_json_ json_t *answer = NULL;
	const char *secret;
	int r;

	if (json_set_str(body, "user", session->user) < 0 ||
	    json_set_str(body, "password", password) < 0)
		return error_set(err, ERR_INVALID, "user or password is not UTF-8");
	r = client_request(session, "POST", "/v1/admin/login", body, &answer, err);
	if (r == 0)
		r = json_get_str(answer, "session", 128, &secret, err);
	if (r < 0) {
		if (err->code == ERR_DENIED)
			error_hint(err, "The first password is in admin-password in the server's "
					"data folder.");
		return r;
	}
	session->secret = strdup(secret);
	return session->secret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

int verb_login(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_(wipe_text) char *password = NULL;
	int r = session_set_url(&session, cli_arg(cli, 0), err);

	if (r == 0 && cli_get(cli, "ca"))
		r = read_ca(cli_get(cli, "ca"), &session.ca, err);
	if (r < 0)
		return r;
	session.user = strdup(cli_has(cli, "user") ? cli_get(cli, "user") : "admin");
	if (!session.user)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = cli_read_secret(cli_get(cli, "password-file"), "password", &password, err);
	if (r == 0)
		r = log_in(&session, password, err);
	if (r == 0)
		r = session_save(&session, err);
	return r;
}

int verb_logout(struct cli *cli _unused_, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	struct error why = { 0 };
	int r = session_load(NULL, &session, err);

	if (r < 0)
		return r;
	r = client_request(&session, "DELETE", "/v1/admin/session", NULL, NULL, &why);
	/* A session that the server no longer knows has ended already. */
	if (r < 0 && r != ERR_DENIED)
		return error_set(err, r, "%s", why.message);
	return session_remove(err);
}
